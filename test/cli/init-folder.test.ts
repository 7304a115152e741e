import { expect, test } from 'vitest'
import { cli, folderWith, llamaIndex } from './cli.js'

test('a folder with train.json and test.json is taken as both', async () => {
  const cwd = folderWith({ 'd/train.json': llamaIndex(20), 'd/test.json': llamaIndex(10, { from: 20 }) })
  const { code, stdout } = await cli(['init', '--data', 'd', '--yes', '--no-trial', '--base', 'hashing'], { cwd })
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/train: d\/train\.json, 20 queries[\s\S]+test: d\/test\.json, 10 queries/),
  })
})

test('without a training set the way to begin is named', async () => {
  const { code, stderr } = await cli([], { cwd: folderWith({}) })
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/--train FILE, or begin with .+ init\n$/) })
})

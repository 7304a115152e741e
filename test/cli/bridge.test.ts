import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

test('bridge maps to an index that only the cache knows, exits 4 below a bound, and serves what it wrote', async () => {
  const cwd = folderWith({ 'a.json': llamaIndex(60) })
  await cliJson(['embed', 'a.json', '--base', 'hashing', '--cache', 'c.sqlite'], { cwd })
  const words = ['bridge', '--base', 'hashing', '--dimensions', '128', '--to-base', 'hashing', '--test', 'a.json']
  const run = [...words, '--cache', 'c.sqlite', '--out', 'b.json']
  const estimate = await cliJson([...run, '--estimate'], { cwd })
  expect(estimate).toMatchObject({ base: 'hashing/words+char3-5@128', missing: expect.any(Number), cost: 0 })
  expect(existsSync(join(cwd, 'b.json'))).toBe(false)
  const report = await cliJson(run, { cwd })
  expect(report).toMatchObject({
    adapter: 'b.json',
    index: { id: 'hashing/words+char3-5@512', dimensions: 512 },
    metrics: { native: { 'ndcg@10': expect.any(Number) }, mapped: { 'ndcg@10': expect.any(Number) }, labelled: null },
    recovered: expect.any(Number),
    cost: { reembed: { texts: expect.any(Number), tokens: expect.any(Number) } },
  })
  expect(JSON.parse(readFileSync(join(cwd, 'b.json'), 'utf8'))).toMatchObject({
    format: 'adapter-train/2',
    base: { dimensions: 128 },
  })
  const bound = await cli([...run, '--min-recovered', '1.5'], { cwd })
  expect(bound).toMatchObject({ code: 4, stderr: expect.stringContaining('expected at least 1.5') })
  expect(bound.stdout).toMatch(/(good enough|not usable)/)
  expect(existsSync(join(cwd, 'b.history'))).toBe(true)
  expect((await cli(['inspect', 'b.json'], { cwd })).stdout).toMatch(/index +hashing\/\S+@512, 512 dimensions, cosine/)
  const documents = await cli(['evaluate', '--data', 'a.json', '--adapter', 'b.json', '--cache', 'c.sqlite'], { cwd })
  expect(documents).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('into whose index the adapter maps queries'),
  })
})

test('bridge refuses half of two folders, and options that two folders leave without use', async () => {
  const cwd = folderWith({})
  const half = await cli(['bridge', '--from-vectors', 'a'], { cwd })
  expect(half).toMatchObject({ code: 2, stderr: expect.stringContaining('go together') })
  const both = await cli(['bridge', '--from-vectors', 'a', '--to-vectors', 'b', '--base', 'hashing'], { cwd })
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('drop --base') })
  expect(await cli(['bridge', '--base', 'hashing'], { cwd })).toMatchObject({ code: 2 })
})

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { providerNames } from '../../src/providers/index.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { type CliResult, folderWith, llamaIndex, MAIN } from './cli.js'

const CONFIG = 'adapter-train.yaml'

/** Runs init with answers on stdin; `end: false` leaves the pipe open. */
function initWith(
  answers: string,
  {
    cwd,
    args = [],
    env = {},
    end = true,
    interruptAt,
  }: { interruptAt?: string; cwd: string; args?: string[]; env?: Record<string, string>; end?: boolean },
): Promise<CliResult> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [MAIN, 'init', ...args], { cwd, env: { PATH, HOME, ...env } })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', chunk => {
      text[name] += chunk
      if (interruptAt && text.stderr.endsWith(interruptAt)) child.kill('SIGINT')
    })
  }
  child.stdin.on('error', () => {})
  child.stdin.write(answers)
  if (end) child.stdin.end()
  return new Promise(done => child.on('close', (code, signal) => done({ code, signal, ...text })))
}

const config = (cwd: string, name = CONFIG): Record<string, unknown> => parse(readFileSync(join(cwd, name), 'utf8'))
let server: FakeService
beforeAll(async () => {
  server = await startFakeOpenAI({ dimensions: 8, apiKey: 'sk-right-0123456789abcdef' })
})
afterAll(() => server?.close())

describe.concurrent('with answers on stdin', () => {
  test('wrong answers are asked again with the reason, and empty ones take the default', async () => {
    const cwd = folderWith({ 'train_dataset.json': llamaIndex(30) })
    const answers = 'none.json\n\nsbertt\nsbert\n./no-model\n'
    const wrong = await initWith(answers, { cwd })
    expect(wrong).toMatchObject({ code: 130, stderr: expect.stringMatching(/: \nerror: .+nothing was written\n$/) })
    expect(readdirSync(cwd)).toEqual(['train_dataset.json'])

    const { code, stdout, stderr } = await initWith('none.json\n\n99\n4\n3\n0\n64\nn\n', { cwd })
    expect(code).toBe(0)
    expect(stderr).toContain('data [train_dataset.json]: none.json\n  none.json does not exist')
    expect(stderr).toContain(`base [hashing]: 99\n  expected one of ${providerNames.join(', ')}, or its number; found "99"`)
    expect(stderr).toContain('dimensions that the index stores [256]: 0\n  --dimensions-out must be')
    expect(stdout).toMatch(/^data .+\n/)
    expect(stdout).not.toContain('[256]')
    expect(config(cwd)).toMatchObject({ train: 'train_dataset.json', base: 'hashing', 'dimensions-out': 64 })
  })

  test('a key that is there proposes its base', async () => {
    const cwd = folderWith({ 'train_dataset.json': llamaIndex(30) })
    const env = { OPENAI_API_KEY: 'sk-right-0123456789abcdef', OPENAI_BASE_URL: server.url }
    const { code, stderr } = await initWith('\n\n\n\n\n', { cwd, env })
    expect(stderr).toMatch(/base \[openai\]: \nmodel \[text-embedding-3-small\]: /)
    expect(stderr).toMatch(/Try it on a small sample\? This sends 60 texts, \d+ tokens.* to openai\. \(y\/n\) \[y\]: /)
    expect({ code, config: config(cwd) }).toMatchObject({ code: 0, config: { model: 'text-embedding-3-small' } })
    expect(stderr).not.toContain('sk-right-0123456789abcdef')
  })

  test('a file that is there is replaced only by a yes', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(30), [CONFIG]: 'seed: 1\n' })
    const args = ['--data', 'train.json', '--base', 'hashing', '--no-trial']
    const other = await initWith(`\n${CONFIG}\nother.yaml\nquality\n`, { cwd, args })
    expect(other).toMatchObject({ code: 0, stderr: expect.stringMatching(/another file: .+\n {2}.+ is there already/) })
    expect([config(cwd), config(cwd, 'other.yaml').base]).toEqual([{ seed: 1 }, 'hashing'])
    expect((await initWith('y\nquality\n', { cwd, args })).code).toBe(0)
    expect(config(cwd)).toMatchObject({ base: 'hashing' })
  })

  test.each(['sample\n', 'sample\nhashing\n', 'sample\nhashing\ntruncated\n'])(
    'an end after %j leaves nothing behind',
    async answers => {
      const cwd = folderWith()
      const { code, stderr } = await initWith(answers, { cwd })
      expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringMatching(/\S.*nothing was written\n$/) })
      expect(readdirSync(cwd)).toEqual([])
    },
  )

  test('a pipe that nobody writes to is not waited for', async () => {
    const started = performance.now()
    const { code, stderr } = await initWith('', { cwd: folderWith(), end: false })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/nobody answers on stdin: give --data/) })
    expect(performance.now() - started).toBeLessThan(15_000)
  })

  test('Ctrl-C leaves nothing behind', async () => {
    const cwd = folderWith()
    const { code, stderr } = await initWith('sample\n', { cwd, end: false, interruptAt: 'base [hashing]: ' })
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringMatching(/nothing was written\n$/) })
    expect(readdirSync(cwd)).toEqual([])
  })
})

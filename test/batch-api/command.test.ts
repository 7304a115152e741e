import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { cli, cliJson, folderWith, llamaIndex, type RunningCli, startCli } from '../cli/cli.js'
import { type FakeBatchApi, type FakeBatchOptions, startFakeBatchApi } from '../helpers/fake-batch-api.js'
import { chunkIn } from '../helpers/fake-chat.js'

const KEY = 'sk-test-0123456789abcdef'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(options: FakeBatchOptions = {}): Promise<FakeBatchApi> {
  const api = await startFakeBatchApi({ apiKey: KEY, ...options })
  closing.push(api.close)
  return api
}

const env = { OPENAI_API_KEY: KEY }
const embedArgs = ({ url }: FakeBatchApi) => [
  ...['embed', 'train.json', '--base', 'openai', '--base-url', url, '--batch-api', '--batch-poll', '0.02'],
]
const textsOf = (api: FakeBatchApi): string[] => api.batches.flat().flatMap(line => line.body.input)

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 1000) throw new Error(`waited in vain for ${what}`)
    await sleep(10)
  }
}

async function kill({ child, ended }: RunningCli, signal: NodeJS.Signals) {
  child.kill(signal)
  return ended
}

describe('embed --batch-api', () => {
  test('killed while it submits and while it waits, a rerun collects, and each text was submitted once', async () => {
    const api = await serve()
    api.held = true
    const cwd = folderWith({ 'train.json': llamaIndex(30) })
    const first = startCli(embedArgs(api), { cwd, env })
    await until(() => api.calls.includes('POST /v1/batches'), 'the first batch')
    await kill(first, 'SIGKILL')
    const second = startCli(embedArgs(api), { cwd, env })
    const looks = () => api.calls.filter(call => /^GET .v1.batches.batch_/.test(call)).length
    const before = looks()
    await until(() => looks() > before + 3, 'polling')
    expect((await kill(second, 'SIGKILL')).signal).toBe('SIGKILL')
    api.held = false
    const { code, stdout, stderr } = await cli(embedArgs(api), { cwd, env })
    expect(stderr).toMatch(/batch batch_0 of an earlier run/)
    expect([code, stdout]).toEqual([0, expect.stringContaining('60 texts embedded')])
    expect(textsOf(api).length).toBe(60)
    expect(new Set(textsOf(api)).size).toBe(60)
    expect(readFileSync(join(cwd, 'cache/embeddings.sqlite')).includes(KEY)).toBe(false)
  })

  test('Ctrl-C stops waiting, says what goes on, and exits with 130', async () => {
    const api = await serve()
    api.held = true
    const cwd = folderWith({ 'train.json': llamaIndex(5) })
    const run = startCli(embedArgs(api), { cwd, env })
    await until(() => api.calls.includes('GET /v1/batches/batch_0'), 'polling')
    const { code, stderr } = await kill(run, 'SIGINT')
    expect(code).toBe(130)
    expect(stderr).toMatch(/still pending: .*batch_0/)
  })

  test('--no-wait submits and exits with 0; train collects, and sends no further request', async () => {
    const api = await serve()
    api.held = true
    const cwd = folderWith({ 'train.json': llamaIndex(24) })
    const { code, stdout, stderr } = await cli([...embedArgs(api), '--no-wait'], { cwd, env })
    expect([code, stdout]).toEqual([0, expect.stringMatching(/pending: .*batch_0.*Run again to collect them/)])
    expect(stderr).toMatch(/submitted batch batch_0/)
    const pending = await cliJson<{ pending: object }>([...embedArgs(api), '--no-wait'], { cwd, env })
    expect(pending).toMatchObject({ pending: { batches: expect.arrayContaining(['batch_0']) } })
    api.held = false
    const made = api.batches.length
    const trainArgs = ['train', '--train', 'train.json', '--base', 'openai', '--base-url', api.url, '--tune', 'off']
    const batchArgs = ['--batch-api', '--batch-poll', '0.02', '--epochs', '1', '--out', 'adapter.json']
    expect((await cli([...trainArgs, ...batchArgs], { cwd, env })).code).toBe(0)
    expect(api.batches.length).toBe(made)
    const calls = api.calls.length
    expect((await cli([...trainArgs, '--epochs', '1', '--out', 'again.json'], { cwd, env })).code).toBe(0)
    expect(api.calls.length).toBe(calls)
    expect(existsSync(join(cwd, 'again.json'))).toBe(true)
  })

  test('the estimate is half the price', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(5) })
    const args = ['embed', 'train.json', '--base', 'openai', '--estimate', '--price', '100']
    const standard = await cliJson<{ cost: number }>(args, { cwd })
    expect(standard.cost).toBeGreaterThan(0)
    expect((await cliJson<{ cost: number }>([...args, '--batch-api'], { cwd })).cost).toBeCloseTo(standard.cost / 2, 12)
  })

  test.each([
    [['--base', 'hashing', '--batch-api'], /goes with --base openai/],
    [['--base', 'openai', '--batch-api', '--cache', 'none'], /--cache none cannot be used/],
    [['--base', 'openai', '--no-wait'], /--no-wait goes with --batch-api/],
    [['--base', 'openai', '--batch-poll', '3'], /--batch-poll goes with --batch-api/],
  ])('%j is refused', async (words, message) => {
    const cwd = folderWith({ 'train.json': llamaIndex(2) })
    const { code, stderr } = await cli(['embed', 'train.json', ...words], { cwd, env })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  test('no failure shows the key', async () => {
    const api = await serve({ fate: () => 'error' })
    const cwd = folderWith({ 'train.json': llamaIndex(3) })
    const { code, stdout, stderr } = await cli([...embedArgs(api), '--json'], { cwd, env })
    expect(code).toBe(1)
    expect(stderr).toMatch(/HTTP 400: refused for key \[redacted\]/)
    expect(stdout + stderr).not.toContain(KEY)
  })
})

test('generate --batch-api: killed while it waits, a rerun writes the data sets, and each chunk was submitted once', async () => {
  const say = (prompt: string): string => `["How is valve ${7 * chunkIn(prompt)} opened?"]`
  const api = await serve({ say })
  api.held = true
  const documents = Array.from({ length: 12 }, (_, i) => [`docs/${i}.md`, `Part chunk-${i} opens valve ${7 * i}.\n`])
  const cwd = folderWith(Object.fromEntries(documents))
  const args = ['generate', 'docs', '--llm', 'openai', '--llm-base-url', api.url, '--batch-api', '--batch-poll', '0.02']
  const first = startCli(args, { cwd, env })
  await until(() => api.calls.includes('GET /v1/batches/batch_0'), 'polling')
  await kill(first, 'SIGKILL')
  const pending = await cli([...args, '--no-wait'], { cwd, env })
  expect([pending.code, pending.stdout]).toEqual([0, expect.stringMatching(/pending: 1 batch with 12 requests/)])
  expect(existsSync(join(cwd, 'data'))).toBe(false)
  api.held = false
  const report = await cliJson<{ llmUse: { requests: number } }>(args, { cwd, env })
  expect(report.llmUse.requests).toBe(12)
  expect(api.batches.map(lines => lines.length)).toEqual([12])
  expect(readFileSync(join(cwd, 'data/train_dataset.json'), 'utf8')).toMatch(/How is valve \d+ opened/)
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { cliJson, folderWith, llamaIndex, startCli } from './cli.js'

const DATA = { 'd.json': llamaIndex(40) }
const BATCH = 4
const CONCURRENCY = 2
const TEXTS = 80

const argsFor = (service: FakeService, ...more: string[]) => [
  ...['--train', 'd.json', '--base', 'openai', '--base-url', service.url, '--out', 'a.json', '--epochs', '2', '--tune', 'off'],
  ...['--batch-inputs', String(BATCH), '--concurrency', String(CONCURRENCY), ...more],
]

/** The texts asked for, in order. */
const textsOf = (service: FakeService, from = 0): string[] => service.requests.slice(from).flatMap(({ body }) => body.input)

async function requestsReach(service: FakeService, count: number): Promise<void> {
  while (service.requests.length < count) await sleep(5)
}

function adapterIn(cwd: string): object {
  const { training, ...rest } = JSON.parse(readFileSync(join(cwd, 'a.json'), 'utf8'))
  return { ...rest, training: { ...training, date: undefined } }
}

/** What the rerun may ask for: everything that is missing, and again what was in flight. */
function expectOnlyMissing(before: readonly string[], after: readonly string[]): void {
  expect(new Set([...before, ...after]).size).toBe(TEXTS)
  expect(new Set(before).size).toBe(before.length)
  expect(new Set(after).size).toBe(after.length)
  const again = after.filter(text => before.includes(text))
  expect(again.length).toBeLessThanOrEqual(CONCURRENCY * BATCH)
}

describe.concurrent('killed in the middle of embedding', () => {
  let undisturbed: object
  beforeAll(async () => {
    const service = await startFakeOpenAI()
    const cwd = folderWith(DATA)
    await cliJson(argsFor(service), { cwd })
    await service.close()
    undisturbed = adapterIn(cwd)
  })

  test.each([1, 9, 20])(
    'by SIGKILL at request %i: the rerun asks only for what is missing, and ends as if nothing had been',
    async at => {
      const service = await startFakeOpenAI({ latencyMs: 25 })
      const cwd = folderWith(DATA)
      const { child, ended } = startCli(argsFor(service), { cwd })
      await requestsReach(service, at)
      child.kill('SIGKILL')
      expect(await ended).toMatchObject({ code: null, signal: 'SIGKILL', stdout: '' })
      const killedAt = service.requests.length
      expect(killedAt).toBeLessThan(TEXTS / BATCH + 1)

      const { cache } = await cliJson<{ cache: { hits: number; misses: number } }>(argsFor(service), { cwd })
      expectOnlyMissing(textsOf(service).slice(0, killedAt * BATCH), textsOf(service, killedAt))
      expect(cache.hits + cache.misses).toBe(TEXTS)
      expect(cache.hits).toBeGreaterThanOrEqual((killedAt - CONCURRENCY) * BATCH)
      expect(adapterIn(cwd)).toEqual(undisturbed)
      await service.close()
    },
  )
})

describe('SIGINT', () => {
  let service: FakeService
  beforeAll(async () => {
    service = await startFakeOpenAI({ latencyMs: 100 })
  })
  afterAll(() => service.close())

  test('stops at once with exit code 130 and a message, keeps what was finished, and writes no adapter', async () => {
    const cwd = folderWith(DATA)
    const { child, ended } = startCli(argsFor(service, '--json'), { cwd })
    await requestsReach(service, 7)
    const stopped = performance.now()
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect(performance.now() - stopped).toBeLessThan(3000)
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'ABORTED', message: expect.stringMatching(/stopped.*cache/) } })
    expect(stderr).toMatch(/^warning: stopping; press Ctrl-C again to stop at once$/m)
    expect(stderr).toMatch(/^error: embedding was stopped/m)
    expect(() => adapterIn(cwd)).toThrow(/ENOENT/)

    const before = service.requests.length
    await cliJson(argsFor(service), { cwd })
    expectOnlyMissing(textsOf(service).slice(0, before * BATCH), textsOf(service, before))
  })

  test('stops the wait before a retry', async () => {
    const waiting = await startFakeOpenAI({ script: Array(9).fill({ status: 429, headers: { 'retry-after': '60' } }) })
    const { child, ended } = startCli(argsFor(waiting), { cwd: folderWith(DATA) })
    await requestsReach(waiting, CONCURRENCY)
    await sleep(100)
    const stopped = performance.now()
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    expect(performance.now() - stopped).toBeLessThan(3000)
    await waiting.close()
  })

  test('stops training, and writes no adapter', async () => {
    const cwd = folderWith(DATA)
    const args = [
      '--base',
      'hashing',
      '--train',
      'd.json',
      '--dimensions',
      '128',
      '--epochs',
      '100000',
      '--tune',
      'off',
      '--patience',
      '0',
      '--out',
      'a.json',
      '--verbose',
    ]
    const { child, ended } = startCli(args, { cwd })
    let stderr = ''
    child.stderr!.on('data', chunk => {
      stderr += chunk
    })
    while (!stderr.includes('epoch 2/')) await sleep(10)
    child.kill('SIGINT')
    expect(await ended).toMatchObject({
      code: 130,
      stdout: '',
      stderr: expect.stringMatching(/error: (training|evaluation) was stopped/),
    })
    expect(() => adapterIn(cwd)).toThrow(/ENOENT/)
  })
})

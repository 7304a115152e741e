import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../../src/math/random.js'
import { chunkIn, promptOf, type Say, startFakeChat } from '../helpers/fake-chat.js'
import type { FakeService } from '../helpers/fake-service.js'
import { cliJson, folderWith, startCli } from './cli.js'

const CHUNKS = 48
const CONCURRENCY = 2
const documents = Object.fromEntries(
  Array.from({ length: CHUNKS }, (_, i) => [`docs/${i}.md`, `Part chunk-${i} opens valve ${7 * i}.\n`]),
)
const say: Say = prompt => {
  const i = chunkIn(prompt)
  return i % 5 === 0 ? "I'm sorry, but I can't help." : `Sure!\n1. How is valve ${7 * i} opened?\n2. part ${i} purpose`
}
const argsFor = ({ url }: FakeService) => [
  ...['generate', 'docs', '--llm', 'openai', '--llm-base-url', url, '--concurrency', String(CONCURRENCY)],
  ...['--split', '0.5,0.25,0.25'],
]
const filesIn = (cwd: string) =>
  ['train', 'val', 'test'].map(part => readFileSync(join(cwd, 'data', `${part}_dataset.json`), 'utf8'))

const services: FakeService[] = []
afterAll(async () => {
  for (const service of services) await service.close()
})
const serve = async (options: Partial<Parameters<typeof startFakeChat>[0]> = {}) => {
  const service = await startFakeChat({ say, ...options })
  services.push(service)
  return service
}

let undisturbed: string[]
beforeAll(async () => {
  const cwd = folderWith(documents)
  await cliJson(argsFor(await serve()), { cwd })
  undisturbed = filesIn(cwd)
  expect(undisturbed.join()).toContain('How is valve 7 opened?')
})

/** Answers in the cache file, which another process may have been killed over. */
function stored(cwd: string): number {
  const db = new Sqlite(join(cwd, 'cache/embeddings.sqlite'), { readonly: true })
  const { n } = db.prepare('SELECT count(*) AS n FROM completions').get() as { n: number }
  db.close()
  return n
}

describe.concurrent('killed by SIGKILL', () => {
  test('ten times with requests in flight: every chunk is answered once, and the files are those of one run', async () => {
    const random = createRandom(5)
    const cwd = folderWith(documents)
    let completed = 0
    let asked = 0
    for (let kill = 0; kill < 10; kill++) {
      const answers = kill === 0 ? 0 : random.int(5)
      // What comes after these is never answered, so that a kill cannot come between an answer and its storing.
      const service = await serve({ script: [...Array(answers).fill('ok'), ...Array(CONCURRENCY).fill('hang')] })
      const { child, ended } = startCli(argsFor(service), { cwd })
      while (service.requests.length < answers + CONCURRENCY) await sleep(5)
      child.kill('SIGKILL')
      expect((await ended).signal).toBe('SIGKILL')
      completed += answers
      asked += service.requests.length
      expect(stored(cwd)).toBe(completed)
    }
    const service = await serve()
    const { llmUse } = await cliJson<{ llmUse: Record<string, number> }>(argsFor(service), { cwd })
    expect(llmUse).toMatchObject({ requests: CHUNKS - completed, cachedAnswers: completed, retries: 0 })
    const last = service.requests.map(request => chunkIn(promptOf(request)))
    expect(new Set(last).size).toBe(CHUNKS - completed)
    expect(asked).toBe(completed + 10 * CONCURRENCY)
    expect(filesIn(cwd)).toEqual(undisturbed)
  })

  test('at any time: no chunk that is stored is asked for again, and the files are those of one run', async () => {
    const random = createRandom(6)
    const cwd = folderWith(documents)
    const service = await serve({ latencyMs: 25 })
    for (let kill = 0; kill < 4; kill++) {
      const before = service.requests.length
      const { child, ended } = startCli(argsFor(service), { cwd })
      while (service.requests.length === before) await sleep(5)
      await sleep(random.int(120))
      child.kill('SIGKILL')
      await ended
    }
    const had = stored(cwd)
    const before = service.requests.length
    expect(before - had).toBeLessThanOrEqual(4 * CONCURRENCY)
    const { llmUse } = await cliJson<{ llmUse: Record<string, number> }>(argsFor(service), { cwd })
    expect(llmUse).toMatchObject({ requests: CHUNKS - had, cachedAnswers: had })
    expect(service.requests.length - before).toBe(CHUNKS - had)
    expect(filesIn(cwd)).toEqual(undisturbed)
  })
})

test('Ctrl-C stops with exit code 130, keeps what was answered, and writes nothing', async () => {
  const cwd = folderWith(documents)
  const service = await serve({ latencyMs: 60 })
  const { child, ended } = startCli([...argsFor(service), '--json'], { cwd })
  while (service.requests.length < 9) await sleep(5)
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  expect(code).toBe(130)
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: 'ABORTED',
      message: expect.stringMatching(/stopped before it was done.*\d of 48 answers are in the cache/),
    },
  })
  expect(stderr).toMatch(/^warning: stopping/m)
  expect(() => filesIn(cwd)).toThrow(/ENOENT/)
  const had = stored(cwd)
  expect(had).toBeGreaterThanOrEqual(6)
  const before = service.requests.length
  await cliJson(argsFor(service), { cwd })
  expect(service.requests.length - before).toBe(CHUNKS - had)
  expect(filesIn(cwd)).toEqual(undisturbed)
})

describe('three processes on one cache', () => {
  const ask = async (kill: boolean) => {
    const cwd = folderWith(documents)
    const service = await serve({ latencyMs: 30 })
    const runs = [0, 1, 2].map(i => startCli([...argsFor(service), '--out', `out-${i}`], { cwd }))
    if (kill) {
      while (service.requests.length < 12) await sleep(5)
      runs[0].child.kill('SIGKILL')
    }
    const results = await Promise.all(runs.map(({ ended }) => ended))
    return { cwd, asked: service.requests.map(request => chunkIn(promptOf(request))), results }
  }
  const written = (cwd: string, i: number) =>
    ['train', 'val', 'test'].map(part => readFileSync(join(cwd, `out-${i}`, `${part}_dataset.json`), 'utf8'))

  test('ask for each chunk once, and write the same files', async () => {
    const { cwd, asked, results } = await ask(false)
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(new Set(asked).size).toBe(CHUNKS)
    expect(asked.length).toBeLessThanOrEqual(Math.floor(1.05 * CHUNKS))
    for (const i of [0, 1, 2]) expect(written(cwd, i)).toEqual(undisturbed)
    expect(stored(cwd)).toBe(CHUNKS)
  })

  test('do not wait for one that was killed, and ask again only for what it had in flight', async () => {
    const { cwd, asked, results } = await ask(true)
    expect(results.map(({ signal, code }) => signal ?? code)).toEqual(['SIGKILL', 0, 0])
    expect(asked.length).toBeLessThanOrEqual(CHUNKS + CONCURRENCY)
    for (const i of [1, 2]) expect(written(cwd, i)).toEqual(undisturbed)
  })
})

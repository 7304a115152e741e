import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadAdapter } from '../../src/adapters/file.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

const services: FakeService[] = []
afterAll(async () => {
  for (const service of services.splice(0)) await service.close()
})

/** One candidate and its twin with first sentences: quick. */
const QUICK = ['--negatives', 'positives', '--scale', '8', '--pull', '100', '--epochs', '2', '--no-gate']
const LOCAL = [
  '--base',
  'hashing',
  '--cache',
  'none',
  '--dimensions',
  '32',
  '--train',
  'd.json',
  '--test-fraction',
  '0',
  ...QUICK,
]

interface Report {
  readonly cache: { readonly misses: number; readonly requests: number }
  readonly tune: {
    readonly pseudoQueries?: { readonly count: number; readonly used: boolean }
    readonly tried: readonly { readonly score: number; readonly pseudoQueries?: true }[]
  }
}

const optionsOf = (cwd: string, file: string) =>
  (loadAdapter(join(cwd, file)).training as unknown as { options: Record<string, unknown> }).options

describe.concurrent('first sentences of documents', () => {
  test('are embedded as queries where there are few labelled ones, counted in the cost beforehand, and paid once', async () => {
    const service = await startFakeOpenAI()
    services.push(service)
    const cwd = folderWith({ 'd.json': llamaIndex(20, { documents: 30 }) })
    const env = { OPENAI_BASE_URL: service.url, OPENAI_API_KEY: 'sk-test' }
    const run = ['--base', 'openai', '--price', '1000', '--train', 'd.json', '--test-fraction', '0', ...QUICK]
    const { code, stderr, stdout } = await cli([...run, '--json'], { cwd, env })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const report: Report = JSON.parse(stdout)
    expect(report.cache.misses).toBe(20 + 30 + 30)
    expect(stderr).toMatch(/^80 distinct texts for .*: 0 from the cache; 80 to embed \([\d,]+ tokens, about \$\d/m)
    const texts: string[] = service.requests.flatMap(({ body }) => body.input)
    expect(texts.filter(text => /^Mending the \w+ \w+\.$/.test(text))).toHaveLength(30)

    const sent = service.requests.length
    const again: Report = await cliJson(run, { cwd, env })
    expect(again.cache).toMatchObject({ misses: 0, requests: 0 })
    expect(again.tune.pseudoQueries).toEqual(report.tune.pseudoQueries)
    expect(again.tune.tried).toEqual(report.tune.tried)
    expect(service.requests).toHaveLength(sent)
  })

  test('are tried, reported, recorded in the adapter and said', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(20, { documents: 30 }) })
    const report = await cliJson<Report>([...LOCAL, '--out', 'a.json'], { cwd })
    const { count, used } = report.tune.pseudoQueries!
    expect(count).toBe(30)
    const [without, withThem] = report.tune.tried
    expect(report.tune.tried).toHaveLength(2)
    expect(without).not.toHaveProperty('pseudoQueries')
    expect(withThem.pseudoQueries).toBe(true)
    expect(used).toBe(withThem.score > without.score)
    expect(optionsOf(cwd, 'a.json')).toMatchObject({ pseudoQueries: used ? 30 : 0, tune: 'auto' })

    const { stdout, stderr } = await cli([...LOCAL, '--out', 'b.json', '--verbose'], { cwd })
    expect(stderr).toMatch(/^tried positives, scale \d+, pull 100, with pseudo-queries: out-of-fold ndcg@10 [01]\.\d{4}$/m)
    expect(stdout).toMatch(used ? /^pseudo +30 pseudo-queries: trained on too$/m : /^pseudo +30 pseudo-queries: not used, /m)
    expect(loadAdapter(join(cwd, 'b.json')).params).toEqual(loadAdapter(join(cwd, 'a.json')).params)
  })

  test.each([
    ['--pseudo-queries off', ['--pseudo-queries', 'off'], 20],
    ['--tune off', ['--tune', 'off', '--gate'], 20],
    ['more than 200 labelled queries', [], 201],
  ])('are left alone with %s', async (_, args, queries) => {
    const cwd = folderWith({ 'd.json': llamaIndex(queries, { documents: 30 }) })
    const gated = args.includes('--gate') ? LOCAL.filter(arg => arg !== '--no-gate') : LOCAL
    const { stdout } = await cli([...gated, ...args, '--out', 'a.json', '--json'], { cwd })
    const report: Report = JSON.parse(stdout)
    expect(report.cache.misses).toBe(queries + 30)
    expect(report.tune).not.toHaveProperty('pseudoQueries')
    expect(report.tune.tried).toHaveLength(1)
    expect(optionsOf(cwd, existsSync(join(cwd, 'a.json')) ? 'a.json' : 'a.rejected.json')).not.toHaveProperty('pseudoQueries')
  })

  test('an unknown value is refused', async () => {
    const { code, stderr } = await cli([...LOCAL, '--pseudo-queries', 'on'], { cwd: folderWith() })
    expect(code).toBe(2)
    expect(stderr).toMatch(/pseudo-queries.*auto.*off/s)
  })
})

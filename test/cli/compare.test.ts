import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../../src/math/random.js'
import type { CompareReport } from '../../src/pipeline/compare/run-compare.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { cli, cliJson, folderWith } from './cli.js'
import { shifted } from './data.js'

const KEY = 'sk-test-0123456789abcdefghijklmnop'
const TRAIN = shifted({ from: 0, to: 40, shift: 1 })
const TEST = shifted({ from: 0, to: 80, shift: 1 })
const QUERIES = Object.keys(TEST.queries).length
const DOCS = Object.keys(TEST.corpus).length
const SMALL = 'openai/text-embedding-3-small'

let service: FakeService
let env: Record<string, string>
/** Data, an adapter on each base, and files of candidates. */
let cwd: string
/** All four without times. */
let fromFlags: Promise<CompareReport>
beforeAll(async () => {
  service = await startFakeOpenAI({ apiKey: KEY })
  env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: service.url }
  cwd = folderWith({ 'train.json': TRAIN, 'test.json': TEST, ...FILES })
  const quick = [
    '--train',
    'train.json',
    '--tune',
    'off',
    '--epochs',
    '30',
    '--lr',
    '0.03',
    '--batch-size',
    '16',
    '--engine',
    'js',
    '--quiet',
  ]
  await Promise.all([
    cliJson([...quick, '--base', 'hashing', '--dimensions', '64', '--out', 'h.json', '--cache', 'h.sqlite'], {
      cwd,
      env,
    }),
    cliJson([...quick, '--base', 'openai', '--out', 'o.json', '--cache', 'o.sqlite'], { cwd, env }),
  ])
  fromFlags = cliJson([...FOUR, '--no-timing'], { cwd, env })
})
afterAll(() => service.close())

const FILES = {
  'models.yaml': `
# one entry as on the command line, the others with their options
- hashing@64
- name: words
  base: hashing
  dimensions: 64
  adapter: h.json
- { base: openai, model: text-embedding-3-small, batchInputs: 30 }
- base: openai
  adapter: o.json
  batch-inputs: 30
`,
  'models.json': {
    candidates: ['hashing@64', 'words=hashing@64+h.json', 'openai:text-embedding-3-small', { base: 'openai', adapter: 'o.json' }],
  },
}
const FLAGS = ['hashing@64', 'words=hashing@64+h.json', 'openai:text-embedding-3-small', 'openai+o.json']
const FOUR = ['compare', '--data', 'test.json', '--engine', 'js', ...FLAGS.flatMap(spec => ['--candidate', spec])]

/** A server of its own for a test that counts requests. */
async function withService<T>(work: (service: FakeService, env: Record<string, string>) => Promise<T>): Promise<T> {
  const service = await startFakeOpenAI({ apiKey: KEY })
  try {
    return await work(service, { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: service.url })
  } finally {
    await service.close()
  }
}

describe.concurrent('compare', () => {
  test('estimates without a key and without sending, pays for a base once, and not at all again', () =>
    withService(async (service, env) => {
      const args = [...FOUR, '--cache', 'own.sqlite']
      const dry = { cwd, env: { OPENAI_BASE_URL: service.url } }
      const { bases } = await cliJson<{ bases: object[] }>([...args, '--estimate'], dry)
      const known = { texts: QUERIES + DOCS, cached: 0, missing: expect.any(Number), unique: expect.any(Number) }
      const tokens = expect.any(Number)
      expect(bases).toEqual([
        { base: 'hashing/words+char3-5@64', ...known, tokens, cost: 0 },
        { base: SMALL, ...known, tokens, cost: expect.any(Number) },
      ])
      expect(existsSync(join(cwd, 'own.sqlite'))).toBe(false)
      expect(service.requests).toEqual([])

      const first = await cliJson<CompareReport>(args, { cwd, env })
      expect(first.embedding).toMatchObject([{ hits: 0 }, { base: SMALL, hits: 0, requests: 2 }])
      expect(service.requests).toHaveLength(2)
      const second = await cliJson<CompareReport>(args, { cwd, env })
      expect(service.requests).toHaveLength(2)
      expect(second.embedding).toMatchObject([{ misses: 0 }, { misses: 0, requests: 0 }])
      expect(second.candidates.map(({ metrics }) => metrics)).toEqual(first.candidates.map(({ metrics }) => metrics))
      expect(second.pairs).toEqual(first.pairs)
    }))

  test('prints one table of the candidates and one of their pairs, and says before what is sent', async () => {
    const { stdout, stderr, code } = await cli([...FOUR, '--metrics', 'ndcg@10,hit@1', '--cache', 'table.sqlite'], {
      cwd,
      env,
    })
    expect(code).toBe(0)
    expect(stderr).toMatch(/distinct texts for hashing.*: 0 from the cache; \d+ to embed/)
    expect(stderr).toMatch(/in all [\d,]+ tokens, about \$0\.0/)
    const lines = stdout.split('\n')
    expect(lines[0]).toBe(`4 candidates on test.json: ${QUERIES} queries, ${DOCS} documents; means with 95% CIs`)
    expect(lines[2]).toMatch(/^ +candidate +ndcg@10 +difference *$/)
    expect(lines[3]).toMatch(/^1 +words +0\.\d{4} +best$/)
    expect(lines[8]).toMatch(/^ {2}candidate +ndcg@10 +hit@1 +\$\/M queries +ms\/query +dims +index +index\/M docs$/)
    expect(lines[9]).toMatch(/^\* words +0\.\d{3} \(\.\d{3}-[.\d]+\) +\S+ \S+ +free +\d+\.\d\d +64 +20\.5 kB +256 MB$/)
    expect(stdout).toMatch(/openai:text-embedding-3-small .* \$0\.\d\d +not timed +8 +2\.56 kB +32\.0 MB$/m)
    expect(stdout).toMatch(/openai\+o .* \$0\.\d\d +\d\.\d\d \(adapter\) +8 /m)
    expect(stdout).toContain('* best by ndcg@10')
    expect(stdout).toContain('ms/query: embedding one query, not from the cache')
    expect(stdout).toMatch(/difference in ndcg@10 +mean +95% CI +p-value +p-value \(Holm\)\n\S+ - \S+ +\+/)
    expect(stdout.match(/^\S.* - \S+ +[+-]0/gm)).toHaveLength(6)
  })

  test('reports everything with --json, as evaluate does for each', async () => {
    const report = await fromFlags
    expect(report).toMatchObject({
      metric: 'ndcg@10',
      queries: QUERIES,
      data: { queries: QUERIES, pairs: QUERIES, documents: DOCS },
      seed: 42,
      samples: { bootstrap: 10_000, randomization: 10_000 },
      warnings: [],
    })
    expect(report.candidates.map(({ rank }) => rank)).toEqual(['best', undefined, undefined, undefined])
    const words = report.candidates.find(({ name }) => name === 'words')!
    expect(words).toMatchObject({ adapter: 'linear', base: 'hashing/words+char3-5@64' })
    expect(words).not.toHaveProperty('milliseconds')

    const args2 = [
      'evaluate',
      '--data',
      'test.json',
      '--base',
      'hashing',
      '--dimensions',
      '64',
      '--adapter',
      'h.json',
      '--engine',
      'js',
    ]
    const evaluated = await cliJson<{
      metrics: { adapted: Record<string, number> }
      difference: Record<string, { mean: number; low: number; high: number; p: number }>
    }>(args2, { cwd, env })
    expect(words.metrics['ndcg@10'].mean).toBe(evaluated.metrics.adapted['ndcg@10'])
    const pair = report.pairs.find(({ first, second }) => [first, second].sort().join() === 'hashing@64,words')!
    const { mean, low, high, p } = evaluated.difference['ndcg@10']
    expect(mean).toBeGreaterThan(0.5)
    const [from, to] = pair.first === 'words' ? [low, high] : [-high, -low]
    expect(pair.mean).toBeCloseTo(Math.abs(mean), 12)
    expect([pair.low, pair.high, pair.p]).toEqual([expect.closeTo(from, 9), expect.closeTo(to, 9), p])
    expect(pair.holm).toBeGreaterThanOrEqual(p)
  })

  test.each(['models.yaml', 'models.json'])('takes candidates from %s, with the same bytes but for times', async file => {
    const args = ['compare', '--data', 'test.json', '--engine', 'js', '--no-timing', '--candidates', file]
    const fromFile = await cliJson<CompareReport>(args, { cwd, env })
    expect({ ...fromFile, embedding: [] }).toEqual({ ...(await fromFlags), embedding: [] })
  })

  test('times a provider on the network only with --timing, and says before what that sends', () =>
    withService(async (service, env) => {
      const args = [...FOUR, '--cache', 'timed.sqlite']
      await cli(args, { cwd, env })
      expect(service.requests).toHaveLength(2)
      const { stdout, stderr } = await cli([...args, '--timing', '--json'], { cwd, env })
      expect(service.requests).toHaveLength(2 + 26)
      const { candidates }: CompareReport = JSON.parse(stdout)
      expect(candidates.every(({ milliseconds }) => milliseconds!.embedding! > 0)).toBe(true)
      expect(stderr).toMatch(/from the cache; 26 requests to time it \(\d+ tokens, about \$0\.\d{4}\)/)
    }))

  test('compares folders of vectors with a model on the same data, and refuses those of other data', async () => {
    const data = shifted({ from: 40, to: 80, shift: 0 })
    const random = createRandom(1)
    const rows = (ids: object) => Object.keys(ids).map(() => [random.normal(), random.normal()])
    const pairs = Object.keys(data.queries).map((id, i) => [i, Number(data.relevant_docs[id][0].slice(1))])
    const own = folderWith({
      'test.json': data,
      'v/pairs.json': pairs,
      'w/pairs.json': pairs.toReversed().map(([, d], i) => [i, d]),
    })
    for (const folder of ['v', 'w']) {
      for (const [name, ids] of [
        ['queries', data.queries],
        ['docs', data.corpus],
      ] as const) {
        // biome-ignore format: a table
        writeFileSync(join(own, folder, `${name}.jsonl`), rows(ids).map(row => JSON.stringify(row)).join('\n'))
      }
    }
    const args = ['compare', '--data', 'test.json', '--engine', 'js', '--candidate', 'hashing', '--candidate', 'vectors:v']
    const { candidates } = await cliJson<CompareReport>(args, { cwd: own })
    expect(candidates.map(({ name, base }) => [name, base])).toEqual([
      ['hashing', 'hashing/words+char3-5@512'],
      ['vectors:v', 'vectors/v'],
    ])
    expect(candidates[1]).toMatchObject({ costPerMillionQueries: null, milliseconds: { embedding: null, adapter: 0 } })
    const { code, stderr } = await cli([...args, '--candidate', 'vectors:w'], { cwd: own })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/the train part of w is not the data of test/)])
  })
})

describe.concurrent('compare refuses', () => {
  test.each<[string, string[], number, RegExp]>([
    ['nothing to compare', [], 2, /nothing to compare; give --candidate \[NAME=\]BASE/],
    ['one name twice', ['hashing', 'hashing'], 2, /two candidates are named "hashing"; drop one, or give it a name/],
    [
      'an adapter of another base, before anything is sent',
      ['openai', 'mine=hashing+o.json'],
      1,
      /candidate "mine": the adapter was trained on "openai\/text-embedding-3-small", but the provider is "hashing/,
    ],
  ])('%s', async (_, specs, code, message) => {
    const silent = await startFakeOpenAI()
    const args = ['compare', '--data', 'test.json', '--cache', 'none', ...specs.flatMap(spec => ['--candidate', spec])]
    const result = await cli(args, { cwd, env: { ...env, OPENAI_BASE_URL: silent.url } })
    await silent.close()
    expect(result.stderr).toMatch(message)
    expect([result.code, result.stdout, silent.requests]).toEqual([code, '', []])
  })

  test('texts without data', async () => {
    const { code, stderr } = await cli(['compare', '--candidate', 'hashing'], { cwd })
    expect([code, stderr]).toEqual([2, expect.stringContaining('missing option --data: candidate "hashing" embeds its texts')])
  })
})

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadAdapter } from '../../src/adapters/file.js'
import { createRandom } from '../../src/math/random.js'
import { cli, cliJson, folderWith } from './cli.js'

const D = 8
const [TRAINED, TESTED] = [60, 20]

const f32 = (rows: readonly (readonly number[])[]) => Buffer.from(Float32Array.from(rows.flat()).buffer)

/** Query i is document i with two coordinates exchanged, and noise: easily learned, and true of every other document too. */
function vectors() {
  const random = createRandom(1)
  const docs = Array.from({ length: TRAINED + TESTED }, () => Array.from({ length: D }, () => random.normal()))
  const queries = docs.map(([a, b, c, d, ...rest]) => [d, c, b, a, ...rest].map(x => x + 0.2 * random.normal()))
  const pairs = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => [i, from + i])
  return {
    docs,
    train: queries.slice(0, TRAINED),
    test: queries.slice(TRAINED),
    trainPairs: pairs(0, TRAINED),
    testPairs: pairs(TRAINED, TRAINED + TESTED),
  }
}

/** A folder with a folder `my vectors` in it, with or without a test part. */
function folder({ test: withTest = true, texts = false } = {}): string {
  const v = vectors()
  const cwd = folderWith({
    'my vectors/shape.json': { dim: D },
    'my vectors/pairs.json': v.trainPairs,
    ...(withTest && { 'my vectors/test_pairs.json': v.testPairs }),
    ...(texts && { 'my vectors/test_query_texts.json': v.test.map((_, i) => `question ${i}`) }),
  })
  const write = (name: string, rows: number[][]) => writeFileSync(join(cwd, 'my vectors', `${name}.f32`), f32(rows))
  write('queries', v.train)
  write('docs', v.docs)
  if (withTest) write('test_queries', v.test)
  return cwd
}

const VECTORS = ['--base', 'vectors', '--vectors', 'my vectors']
const QUICK = ['--tune', 'off', '--epochs', '3', '--lr', '0.01']

interface Report {
  readonly adapter: string
  readonly difference: Record<string, { readonly low: number }>
  readonly largest: { wins: { queryId: string; text?: string }[] }
}

describe.concurrent('--base vectors', () => {
  test('tunes, trains and proves on the vectors of a folder, without a provider and without a cache', async () => {
    const cwd = folder({ texts: true })
    const report = await cliJson<Report>([...VECTORS, '--tune', 'auto', '--quiet'], { cwd })
    expect(report).toMatchObject({
      adapter: 'adapters/vectors-my-vectors.json',
      base: { id: 'vectors/my vectors', dimensions: D },
      data: {
        train: { queries: 60, pairs: 60, documents: 80 },
        validation: { queries: 60, pairs: 60, documents: 80, folds: 5 },
        test: { queries: 20, pairs: 20, documents: 80 },
      },
      metrics: { split: 'test' },
      gate: { kept: true, passed: true },
      seen: { queries: 0 },
      unseen: { queries: 20 },
      cache: { hits: 0, misses: 0, requests: 0, tokens: 0 },
    })
    expect(report.difference['ndcg@10'].low).toBeGreaterThan(0)
    expect(report.largest.wins.length).toBeGreaterThan(0)
    for (const { queryId, text } of report.largest.wins) expect(text).toBe(`question ${queryId}`)
    expect(existsSync(join(cwd, 'cache'))).toBe(false)
    const { base, params, training } = loadAdapter(join(cwd, report.adapter))
    expect(base).toEqual({ id: 'vectors/my vectors', dimensions: D, normalized: false })
    expect(params.W).toMatchObject({ rows: D, cols: D })
    expect((training.data as { sha256: string }).sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  test('gives the same adapter for .jsonl, with a base id of one’s own', async () => {
    const v = vectors()
    const lines = (rows: number[][]) => rows.map(row => `${JSON.stringify([...Float32Array.from(row)])}\n`).join('')
    const jsonl = folderWith({
      'my vectors/queries.jsonl': lines(v.train),
      'my vectors/docs.jsonl': lines(v.docs),
      'my vectors/pairs.json': v.trainPairs,
      'my vectors/test_queries.jsonl': lines(v.test),
      'my vectors/test_pairs.json': v.testPairs,
    })
    const args = [...VECTORS, ...QUICK, '--base-id', 'acme/embed-3@8', '--out', 'a.json']
    const adapters = await Promise.all(
      [folder(), jsonl].map(async cwd => {
        const report = await cliJson<Report>(args, { cwd })
        expect(report).toMatchObject({ adapter: 'a.json', base: { id: 'acme/embed-3@8' } })
        const { params, base } = JSON.parse(readFileSync(join(cwd, 'a.json'), 'utf8'))
        return { params, base }
      }),
    )
    expect(adapters[0]).toEqual(adapters[1])
    expect(adapters[0].base.id).toBe('acme/embed-3@8')
  })

  test('splits the test part, and with --tune off the validation part, off where there is none', async () => {
    const cwd = folder({ test: false })
    type Report = { data: Record<string, { queries: number; documents: number }>; metrics: object }
    const { data, metrics } = await cliJson<Report>([...VECTORS, ...QUICK, '--test-fraction', '0.25', '--cache', 'none'], { cwd })
    expect(data.train.queries + data.validation.queries + data.test.queries).toBe(60)
    expect(data.validation.queries).toBeGreaterThanOrEqual(3)
    expect(data.test.queries).toBeGreaterThanOrEqual(8)
    expect(data.test.documents).toBe(80)
    expect(metrics).toMatchObject({ split: 'test' })
  })

  test.each<[string, string[], number, RegExp]>([
    ['no folder', ['--base', 'vectors'], 2, /--base vectors needs --vectors FOLDER/],
    ['another base', ['--vectors', 'my vectors', '--train', 'x.json'], 2, /--vectors goes with --base vectors/],
    ['a data set', [...VECTORS, '--train', 'x.json'], 2, /reads all its data from --vectors; drop --train$/m],
    ['a test set', [...VECTORS, '--test', 'x.json'], 2, /drop --test$/m],
    ['an option of providers', [...VECTORS, '--model', 'x'], 2, /--model has no effect with --base vectors/],
    ['a folder that is not there', ['--base', 'vectors', '--vectors', 'none'], 1, /none does not exist/],
    ['a folder without vectors', ['--base', 'vectors', '--vectors', '.'], 1, /\. has no queries.*, and no docs/],
    ['a file', ['--base', 'vectors', '--vectors', 'my vectors/pairs.json'], 1, /is a file, expected a folder/],
    ['a result in a folder', [...VECTORS, '--out', 'my vectors/'], 2, /is a folder; name the file in it/],
    ['too few queries to split', [...VECTORS, '--test-fraction', '0.49', '--val-fraction', '0.5'], 1, /cannot split/],
  ])('with %s fails with one line that says what to do', async (_, args, code, message) => {
    const cwd = folder({ test: false })
    const result = await cli([...args, '--quiet'], { cwd })
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(/^error: .+\n$/) })
    expect(result.stderr).toMatch(message)
    expect(existsSync(join(cwd, 'adapters'))).toBe(false)
  })
})

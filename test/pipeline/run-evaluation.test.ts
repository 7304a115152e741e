import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { matrix } from '../../src/math/matrix.js'
import { openData } from '../../src/pipeline/open-data.js'
import { runEvaluation } from '../../src/pipeline/run-evaluation.js'
import { customProvider } from '../../src/providers/custom.js'
import { embedded } from '../helpers/embedded.js'

const folder = mkdtempSync(join(tmpdir(), 'run-evaluation-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Words as directions: a query asks for its document's word under another name, which only the adapter translates. */
const VECTORS: Record<string, number[]> = {
  'red one': [1, 0, 0, 0],
  'blue one': [0, 1, 0, 0],
  rot: [0, 1, 0, 0],
  blau: [1, 0, 0, 0],
  green: [0, 0, 1, 0],
  'green one': [0, 0, 1, 0],
}
const provider = customProvider({
  id: 'words',
  dimensions: 4,
  embed: async texts => texts.map(text => VECTORS[text.toLowerCase()]),
})
const data = {
  name: 'test',
  queries: new Map([
    ['r', 'rot'],
    ['b', 'blau'],
    ['g', 'green'],
    ['none', 'rot'],
  ]),
  corpus: new Map([
    ['R', 'Red one'],
    ['B', 'blue one'],
    ['G', 'green one'],
  ]),
  qrels: new Map([
    ['r', new Map([['R', 1]])],
    ['b', new Map([['B', 1]])],
    ['g', new Map([['G', 1]])],
  ]),
}
/** Exchanges the first two coordinates. */
const swap: Adapter = {
  kind: 'linear',
  base: { id: 'words', dimensions: 4, normalized: true },
  params: { W: matrix(4, 4, Float32Array.from([0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])), b: matrix(1, 4) },
  training: { tool: '', date: '', data: {}, options: {}, metrics: {} },
}

/** The same with the first three coordinates alone. */
const short: Adapter = { ...swap, params: { W: matrix(3, 4, swap.params.W.data.slice(0, 12)), b: matrix(1, 3) } }

describe('runEvaluation', () => {
  test.each([
    [swap, short],
    [short, swap],
  ])('compares adapters with each other by the dimensions of each', async (adapter, against) => {
    const opened = await openData({ test: data })
    const report = await runEvaluation({ provider, data: opened, adapter, against, engine: 'js' })
    expect(report.metrics.adapted!['ndcg@10']).toBe(1)
    expect(report.against).toMatchObject({ metrics: { 'ndcg@10': 1 }, ties: 3 })
  })

  test('proves the difference: interval, p, wins, ties and losses, the largest changes with their texts', async () => {
    const report = await runEvaluation({ provider, data: await openData({ test: data }), adapter: swap, engine: 'js' })
    expect(report).toMatchObject({
      base: { id: 'words', dimensions: 4 },
      data: { test: { queries: 4, pairs: 3, documents: 3 } },
      queries: 3,
      documents: 3,
      wins: 2,
      ties: 1,
      losses: 0,
      metrics: { base: { 'hit@1': 1 / 3 }, adapted: { 'hit@1': 1 } },
      difference: { 'hit@1': { mean: 2 / 3, low: expect.any(Number), high: expect.any(Number), p: 0.5 } },
    })
    expect(report.largest?.wins.map(({ queryId, text, baseRank }) => [queryId, text, baseRank])).toEqual([
      ['b', 'blau', 3],
      ['r', 'rot', 2],
    ])
    expect(report).not.toHaveProperty('seen')
    expect(report).not.toHaveProperty('scored')
  })

  test('splits by whether a document had training queries where the training set is given, by text and not by id', async () => {
    const train = {
      name: 'train',
      queries: new Map([['x', 'rouge']]),
      corpus: new Map([
        ['other id', 'RED  one'],
        ['R', 'something else'],
      ]),
      qrels: new Map([['x', new Map([['other id', 1]])]]),
    }
    const { seen, unseen } = await runEvaluation({
      provider,
      data: await openData({ train, test: data }),
      adapter: swap,
      engine: 'js',
    })
    expect(seen).toMatchObject({ queries: 1, metrics: { base: { 'hit@1': 0 }, adapted: { 'hit@1': 1 } } })
    expect(unseen).toMatchObject({ queries: 2, metrics: { base: { 'hit@1': 0.5 } } })
  })

  test('gives the same with vectors that memory has no room for, and leaves no file', async () => {
    const inMemory = await runEvaluation({
      provider,
      data: await openData({ test: data }),
      adapter: swap,
      engine: 'js',
    })
    const spilled = await runEvaluation({
      provider,
      data: await openData({ test: data }),
      adapter: swap,
      engine: 'js',
      memory: 32,
      spillFolder: folder,
    })
    expect(spilled).toEqual(inMemory)
    expect(readdirSync(folder)).toEqual([])
  })

  test('without an adapter scores the base alone', async () => {
    const report = await runEvaluation({
      provider,
      data: await openData({ test: data }),
      engine: 'js',
      metrics: ['mrr@10'],
    })
    expect(Object.keys(report.metrics)).toEqual(['base'])
    expect(report).not.toHaveProperty('difference')
  })

  test('tells wins by the first metric where ndcg@10 is not measured, and measures nothing that was not asked for', async () => {
    const report = await runEvaluation({
      provider,
      data: await openData({ test: data }),
      adapter: swap,
      engine: 'js',
      metrics: ['mrr@3', 'hit@1'],
    })
    expect(report.largest?.metric).toBe('mrr@3')
    expect(Object.keys(report.metrics.base)).toEqual(['mrr@3', 'hit@1'])
  })
})

describe('runEvaluation on vectors of your own', () => {
  const docs = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
  ]
  const part = (queries: number[][], positives: number[][]) => ({
    ...embedded({ queries, docs, positives }),
    baseId: 'words',
  })
  const train = part([[0, 1, 0, 0]], [[0]])
  const test_ = part(
    [
      [0, 1, 0, 0],
      [1, 0, 0, 0],
    ],
    [[0], [1]],
  )

  test('takes the test part, and the training part tells what was seen', async () => {
    const report = await runEvaluation({
      data: await openData({ vectors: { train, test: test_ } }),
      adapter: swap,
      engine: 'js',
    })
    expect(report).toMatchObject({
      data: { test: { queries: 2 } },
      wins: 2,
      seen: { queries: 1 },
      unseen: { queries: 1 },
    })
    expect(report.largest?.wins[0]).not.toHaveProperty('text')
  })

  test('takes the only part where there is no other, which splits nothing', async () => {
    const report = await runEvaluation({ data: await openData({ vectors: { train } }), adapter: swap, engine: 'js' })
    expect(report).toMatchObject({ data: { train: { queries: 1 } }, wins: 1 })
    expect(report).not.toHaveProperty('seen')
  })

  test('refuses an adapter of another base', async () => {
    const adapter = { ...swap, base: { ...swap.base, id: 'other' } }
    await expect(runEvaluation({ data: await openData({ vectors: { train } }), adapter, engine: 'js' })).rejects.toMatchObject({
      code: 'ADAPTER_MISMATCH',
    })
  })
})

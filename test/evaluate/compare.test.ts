import { describe, expect, test } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import { compareRankings } from '../../src/evaluate/compare.js'
import { createEvaluator, type Evaluation } from '../../src/evaluate/evaluator.js'
import { largestChanges } from '../../src/evaluate/largest-changes.js'
import { DEFAULT_METRICS } from '../../src/evaluate/metrics.js'
import { compareSeen, relevantTexts, relevantVectors, seenQueries } from '../../src/evaluate/seen.js'
import { fromRows } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { embedded } from '../helpers/embedded.js'

const at = (degrees: number) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]

/** An evaluation of rankings whose only relevant document has the given rank; 0 stands for "not found". */
function ranked(ranks: readonly number[], depth = 100): Evaluation {
  const values = (score: (rank: number) => number) => Float64Array.from(ranks, rank => (rank ? score(rank) : 0))
  const perQuery = {
    'mrr@10': values(rank => (rank <= 10 ? 1 / rank : 0)),
    'ndcg@10': values(rank => (rank <= 10 ? 1 / Math.log2(rank + 1) : 0)),
    'hit@1': values(rank => (rank === 1 ? 1 : 0)),
  }
  const mean = Object.fromEntries(
    Object.entries(perQuery).map(([spec, all]) => [spec, all.reduce((sum, value) => sum + value, 0) / ranks.length]),
  )
  return { mean, perQuery, firstRank: Uint32Array.from(ranks), depth }
}

const base = ranked([1, 2, 4, 0, 7, 3, 50])
const adapted = ranked([1, 1, 2, 3, 0, 4, 20])

describe('an evaluation', () => {
  // For a query at 0 degrees the ranking is doc0, doc1, doc2, doc3.
  const docs = [10, 30, 50, 80].map(at)

  test('tells the rank of the first relevant document, and which queries it scored', () => {
    const data = embedded({
      queries: [0, 0, 0, 90].map(at),
      docs,
      positives: [
        [2, 3],
        [],
        [0],
        [
          [0, 2],
          [2, 1],
        ],
      ],
    })
    const evaluator = createEvaluator(data)
    expect(evaluator.queryIds).toEqual(['query0', 'query2', 'query3'])
    expect(evaluator.evaluate(data.queries)).toMatchObject({ firstRank: Uint32Array.of(3, 1, 2), depth: 4 })
  })

  test('gives rank 0 to what is not among the documents that were looked at', () => {
    const data = embedded({ queries: [at(0), at(0)], docs, positives: [[2], [1]] })
    const evaluation = createEvaluator(data, ['hit@1', 'mrr@2']).evaluate(data.queries)
    expect(evaluation).toMatchObject({ firstRank: Uint32Array.of(0, 2), depth: 2 })
  })
})

describe('compareRankings', () => {
  test('counts wins, ties and losses by nDCG@10', () => {
    // Gains at queries 1, 2, 3; losses at 4 and 5; rank 1 stays, and beyond rank 10 nothing counts.
    expect(compareRankings(base, adapted, { seed: 1 })).toMatchObject({
      queries: 7,
      metric: 'ndcg@10',
      wins: 3,
      ties: 2,
      losses: 2,
    })
  })

  test('counts by the metric that is asked for, or by the first where nDCG@10 was not measured', () => {
    expect(compareRankings(base, adapted, { seed: 1, metric: 'hit@1' })).toMatchObject({ wins: 1, ties: 6, losses: 0 })
    const without = ({ perQuery, ...rest }: Evaluation) => ({ ...rest, perQuery: { 'mrr@10': perQuery['mrr@10'] } })
    expect(compareRankings(without(base), without(adapted), { seed: 1 }).metric).toBe('mrr@10')
  })

  test('gives every metric its mean difference, interval and p', () => {
    const { difference } = compareRankings(base, adapted, { seed: 1 })
    expect(Object.keys(difference)).toEqual(['mrr@10', 'ndcg@10', 'hit@1'])
    for (const [spec, { mean, low, high, p }] of Object.entries(difference)) {
      expect(mean).toBeCloseTo(adapted.mean[spec] - base.mean[spec], 12)
      expect(low).toBeLessThanOrEqual(mean)
      expect(high).toBeGreaterThanOrEqual(mean)
      expect(p).toBeGreaterThan(0)
      expect(p).toBeLessThanOrEqual(1)
    }
    // hit@1 changes for one query of seven: 1 with either sign. A resample holds it 0 to 3 times in 98.9 % of cases.
    expect(difference['hit@1']).toEqual({ mean: 1 / 7, low: 0, high: 3 / 7, p: 1 })
  })

  test('finds a gain of all queries certain and none where nothing changes', () => {
    const many = (rank: number) => ranked(new Array(300).fill(rank))
    const gain = compareRankings(many(2), many(1), { seed: 1 })
    expect(gain).toMatchObject({ wins: 300, samples: { bootstrap: 10_000, randomization: 10_000 }, confidence: 0.95 })
    expect(gain.difference['mrr@10']).toEqual({ mean: 0.5, low: 0.5, high: 0.5, p: 1 / 10_001 })
    const same = compareRankings(many(2), many(2), { seed: 1 })
    expect(same).toMatchObject({ wins: 0, ties: 300, losses: 0 })
    expect(same.difference['mrr@10']).toEqual({ mean: 0, low: 0, high: 0, p: 1 })
  })

  test('turns around when base and adapted are exchanged', () => {
    const there = compareRankings(base, adapted, { seed: 1 })
    const back = compareRankings(adapted, base, { seed: 1 })
    expect(back).toMatchObject({ wins: there.losses, losses: there.wins })
    expect(back.difference['mrr@10'].p).toBe(there.difference['mrr@10'].p)
    expect(back.difference['mrr@10'].low).toBeCloseTo(-there.difference['mrr@10'].high, 12)
  })

  test('calls rounding a tie', () => {
    const shift = (by: number): Evaluation => ({
      ...base,
      perQuery: { 'ndcg@10': base.perQuery['ndcg@10'].map(x => x + by) },
    })
    expect(compareRankings(shift(0), shift(1e-14), { seed: 1 })).toMatchObject({ wins: 0, ties: 7 })
    expect(compareRankings(shift(0), shift(1e-9), { seed: 1 })).toMatchObject({ wins: 7, ties: 0 })
  })

  test('gives the same for the same seed', () => {
    expect(compareRankings(base, adapted, { seed: 5 })).toEqual(compareRankings(base, adapted, { seed: 5 }))
  })

  test('refuses evaluations of different queries or metrics, and a metric that was not measured', () => {
    const usage = (message: string) => expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(message) })
    expect(() => compareRankings(base, ranked([1, 2]), { seed: 1 })).toThrow(usage('of 7 queries with'))
    const other = { ...adapted, perQuery: { 'hit@1': adapted.perQuery['hit@1'] } }
    expect(() => compareRankings(base, other, { seed: 1 })).toThrow(usage('evaluate both with one evaluator'))
    expect(() => compareRankings(base, adapted, { seed: 1, metric: 'map@100' })).toThrow(usage('found "map@100"'))
  })

  test('takes seconds at the most for 100,000 queries and nine metrics', () => {
    const random = createRandom(1)
    const noise = (): Evaluation => ({
      mean: {},
      firstRank: new Uint32Array(100_000),
      depth: 100,
      perQuery: Object.fromEntries(
        DEFAULT_METRICS.map(spec => [spec, Float64Array.from({ length: 100_000 }, () => random.next())]),
      ),
    })
    const [a, b] = [noise(), noise()]
    // Processor time of this process, as tests share the machine; all values differ, which is the slowest case.
    const before = process.cpuUsage()
    compareRankings(a, b, { seed: 1 })
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1e6).toBeLessThan(10)
  })
})

describe('largestChanges', () => {
  const queryIds = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const texts = queryIds.map(id => `text of ${id}`)

  test('lists the largest wins and losses with text, values and ranks', () => {
    const { wins, losses, metric, depth } = largestChanges(base, adapted, { queryIds, texts, metric: 'mrr@10' })
    expect([metric, depth]).toEqual(['mrr@10', 100])
    // Gains are 1/2 (b), 1/3 (d), 1/4 (c); losses 1/7 (e) and 1/12 (f).
    expect(wins).toEqual([
      { queryId: 'b', text: 'text of b', base: 0.5, adapted: 1, baseRank: 2, adaptedRank: 1 },
      { queryId: 'd', text: 'text of d', base: 0, adapted: 1 / 3, baseRank: null, adaptedRank: 3 },
      { queryId: 'c', text: 'text of c', base: 0.25, adapted: 0.5, baseRank: 4, adaptedRank: 2 },
    ])
    expect(losses).toEqual([
      { queryId: 'e', text: 'text of e', base: 1 / 7, adapted: 0, baseRank: 7, adaptedRank: null },
      { queryId: 'f', text: 'text of f', base: 1 / 3, adapted: 0.25, baseRank: 3, adaptedRank: 4 },
    ])
  })

  test('keeps as many as asked for, and has no texts where there are none', () => {
    const { wins, losses } = largestChanges(base, adapted, { queryIds, metric: 'mrr@10', count: 1 })
    expect(wins).toEqual([{ queryId: 'b', base: 0.5, adapted: 1, baseRank: 2, adaptedRank: 1 }])
    expect(losses).toHaveLength(1)
  })

  test('puts what moved farther first where the values are equal, then what comes first', () => {
    const [before, after] = [ranked([20, 0, 20, 1, 1, 1]), ranked([1, 1, 1, 30, 0, 30])]
    const ids = ['a', 'b', 'c', 'd', 'e', 'f']
    const { wins, losses } = largestChanges(before, after, { queryIds: ids })
    expect(wins.map(change => change.queryId)).toEqual(['b', 'a', 'c'])
    expect(losses.map(change => change.queryId)).toEqual(['e', 'd', 'f'])
  })

  test('finds nothing where nothing changed', () => {
    expect(largestChanges(base, base, { queryIds })).toMatchObject({ wins: [], losses: [] })
  })

  test('refuses ids of other queries', () => {
    expect(() => largestChanges(base, adapted, { queryIds: ['a'] })).toThrow('expected the ids of 7 queries, found 1')
  })
})

describe('seenQueries', () => {
  const dataset = (corpus: Record<string, string>, qrels: Record<string, Record<string, number>>): QADataset => ({
    name: 'test',
    corpus: new Map(Object.entries(corpus)),
    queries: new Map(Object.keys(qrels).map(id => [id, `query ${id}`])),
    qrels: new Map(Object.entries(qrels).map(([id, judged]) => [id, new Map(Object.entries(judged))])),
  })
  const train = dataset({ 1: 'Apples', 2: 'Pears', 3: 'Plums' }, { t1: { 1: 1, 3: 0 }, t2: { 2: 2 } })

  test('are those of which any relevant document was relevant for a training query', () => {
    const test_ = dataset(
      { 1: 'Apples', 2: 'Pears', 3: 'Plums', 4: 'Figs' },
      { one: { 1: 1 }, none: { 4: 1 }, any: { 4: 1, 2: 1 }, notRelevant: { 3: 1 }, gradeZero: { 4: 1, 1: 0 } },
    )
    expect(seenQueries(relevantTexts(train), relevantTexts(test_))).toEqual([true, false, true, false, false])
  })

  test('are told by text, whatever the ids', () => {
    const other = dataset({ 1: 'Grapes', x: ' apples\n' }, { sameId: { 1: 1 }, sameText: { x: 1 } })
    expect(seenQueries(relevantTexts(train), relevantTexts(other))).toEqual([false, true])
  })

  test('come in the order of the queries that were scored', () => {
    const other = dataset({ 1: 'Apples', 4: 'Figs' }, { a: { 1: 1 }, unjudged: {}, b: { 4: 1 } })
    expect(seenQueries(relevantTexts(train), relevantTexts(other, ['b', 'a']))).toEqual([false, true])
    expect(seenQueries(relevantTexts(train), relevantTexts(other))).toEqual([true, false, false])
  })

  test('are told by vector where there are no texts', () => {
    const queries = [at(0), at(1), at(2)]
    const trained = embedded({ queries: [at(5)], docs: [at(10), at(20)], positives: [[1]] })
    const docs = fromRows([at(20), at(10), at(20), at(30)])
    const held = embedded({ queries, docs, positives: [[2], [1, 3], [3, 0]] })
    expect(seenQueries(relevantVectors(trained), relevantVectors(held))).toEqual([true, false, true])
    expect(seenQueries(relevantVectors(trained), relevantVectors(held, Uint32Array.of(2, 1)))).toEqual([true, false])
  })
})

describe('compareSeen', () => {
  const seen = [true, true, false, false, true, false, true]

  test('compares seen and unseen queries as if each were a test set of its own', () => {
    const part = (wanted: boolean, ranks: readonly number[]) => ranked(ranks.filter((_, i) => seen[i] === wanted))
    const [before, after] = [
      [1, 2, 4, 0, 7, 3, 50],
      [1, 1, 2, 3, 0, 4, 20],
    ]
    const result = compareSeen(base, adapted, seen, { seed: 3 })
    for (const [name, wanted] of [['seen', true] as const, ['unseen', false] as const]) {
      const [partBase, partAdapted] = [part(wanted, before), part(wanted, after)]
      expect(result[name]).toEqual({
        ...compareRankings(partBase, partAdapted, { seed: 3 }),
        metrics: { base: partBase.mean, adapted: partAdapted.mean },
      })
    }
    expect(result).toMatchObject({
      seen: { queries: 4, wins: 1, losses: 1 },
      unseen: { queries: 3, wins: 2, losses: 1 },
    })
  })

  test('says that there are no queries of one sort instead of comparing none', () => {
    const all = compareSeen(base, adapted, new Array(7).fill(true), { seed: 1 })
    expect(all).toMatchObject({ seen: { queries: 7 }, unseen: { queries: 0 } })
    expect(Object.keys(all.unseen)).toEqual(['queries'])
  })

  test('refuses an answer for other queries', () => {
    expect(() => compareSeen(base, adapted, [true], { seed: 1 })).toThrow('expected one value for each of 7 queries, found 1')
  })
})

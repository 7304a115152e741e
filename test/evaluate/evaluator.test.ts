import { describe, expect, test } from 'vitest'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import { createJsEngine } from '../../src/engines/js.js'
import { createEvaluator } from '../../src/evaluate/evaluator.js'
import { fromRows } from '../../src/math/matrix.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { embedded } from '../helpers/embedded.js'

/** A vector of the plane at an angle; its length must not matter. */
const at = (degrees: number, length = 1) => [
  length * Math.cos((degrees * Math.PI) / 180),
  length * Math.sin((degrees * Math.PI) / 180),
]

// For a query at 0 degrees the ranking is a, b, c, d; for one at 90 degrees d, c, b, a.
const docs = [at(10, 3), at(30), at(50, 0.01), at(80, 100)]
const docIds = ['a', 'b', 'c', 'd']

describe('createEvaluator', () => {
  test('ranks by cosine and averages over the queries', () => {
    const data = embedded({ queries: [at(0, 5), at(90)], docs, docIds, positives: [[1, 3], [0]] })
    const { mean, perQuery } = createEvaluator(data, ['mrr@10', 'recall@2', 'hit@3']).evaluate(data.queries)
    // Ranks of the relevant documents: 2 and 4; 4.
    expect(perQuery).toEqual({
      'mrr@10': Float64Array.of(1 / 2, 1 / 4),
      'recall@2': Float64Array.of(1 / 2, 0),
      'hit@3': Float64Array.of(1, 0),
    })
    expect(mean).toEqual({ 'mrr@10': 3 / 8, 'recall@2': 1 / 4, 'hit@3': 1 / 2 })
  })

  test('leaves out queries without a relevant document and says which rows it scored', () => {
    const queries = [at(0), at(0), at(90), at(0)]
    const data = embedded({ queries, docs, docIds, positives: [[], [0], [2], []] })
    const evaluator = createEvaluator(data, ['mrr@10'])
    expect([...evaluator.queryRows]).toEqual([1, 2])
    expect([...evaluator.evaluate(data.queries).perQuery['mrr@10']]).toEqual([1, 1 / 2])
  })

  test('scores other vectors for the same queries, such as adapted ones', () => {
    const data = embedded({ queries: [at(0), at(0), at(0)], docs, docIds, positives: [[3], [], [0]] })
    const evaluator = createEvaluator(data, ['hit@1'])
    expect(evaluator.evaluate(data.queries).mean).toEqual({ 'hit@1': 1 / 2 })
    expect(evaluator.evaluate(fromRows([at(90), at(45), at(0)])).mean).toEqual({ 'hit@1': 1 })
  })

  test('puts the higher grade first in the ideal ranking of ndcg, whatever the order of the judgements', () => {
    const queries = [at(0), at(0)]
    const first = [
      [1, 1],
      [0, 2],
    ] as const
    const second = [
      [0, 1],
      [1, 2],
    ] as const
    const data = embedded({ queries, docs, docIds, positives: [first, second] })
    const { perQuery } = createEvaluator(data, ['ndcg@10', 'mrr@10']).evaluate(data.queries)
    // Grades by rank are 2, 1 and 1, 2; the second gives (1 + 2 / log2(3)) / (2 + 1 / log2(3)).
    expect(perQuery['ndcg@10'][0]).toBe(1)
    expect(perQuery['ndcg@10'][1]).toBeCloseTo(0.859719, 6)
    expect([...perQuery['mrr@10']]).toEqual([1, 1])
  })

  test('puts documents with the same vector in descending order of their ids', () => {
    const copies = [at(20), at(20), at(20)]
    const rank = (positive: number) => {
      const data = embedded({ queries: [at(0)], docs: copies, docIds: ['b', 'c', 'a'], positives: [[positive]] })
      return 1 / createEvaluator(data, ['mrr@10']).evaluate(data.queries).mean['mrr@10']
    }
    expect([0, 1, 2].map(rank)).toEqual([2, 1, 3])
  })

  test('divides precision by k even where the corpus is smaller', () => {
    const data = embedded({ queries: [at(0)], docs, docIds, positives: [[0, 1, 2, 3]] })
    const { mean } = createEvaluator(data, ['precision@10', 'recall@10']).evaluate(data.queries)
    expect(mean).toEqual({ 'precision@10': 4 / 10, 'recall@10': 1 })
  })

  test('refuses an unknown metric, and a data set in which nothing can be scored', () => {
    const data = embedded({ queries: [at(0)], docs, docIds, positives: [[]] })
    expect(() => createEvaluator(data)).toThrow(expect.objectContaining({ code: 'DATASET_INVALID' }))
    expect(() => createEvaluator(data, ['ndcg@10', 'bleu@4'])).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('"bleu@4"') }),
    )
  })
})

describe('evaluateOn', () => {
  // Queries without a relevant document in between, several positives, copies of documents.
  const [queries, distinct] = [randomMatrix(60, 16, 1), randomMatrix(300, 16, 2)]
  const data = embedded({
    queries,
    docs: fromRows(Array.from({ length: 350 }, (_, i) => distinct.data.slice((i % 300) * 16, ((i % 300) + 1) * 16))),
    positives: Array.from({ length: 60 }, (_, i) => (i % 4 === 3 ? [] : [i, [i + 300 - (i % 7), 2]])),
  })

  test.each([
    ['js', async () => createJsEngine()],
    ['cpu', createCpuEngine],
  ])('gives on %s what evaluate gives', async (_, create) => {
    const engine = await create()
    const evaluator = createEvaluator(data, ['ndcg@10', 'mrr@100', 'recall@350', 'precision@3'])
    const adapted = randomMatrix(60, 16, 3)
    for (const given of [queries, adapted]) {
      const { topScore, ...found } = await evaluator.evaluateOn(engine, given)
      const { topScore: expected, ...rest } = evaluator.evaluate(given)
      expect(found).toEqual(rest)
      // Scores differ by rounding.
      topScore!.forEach((score, i) => {
        expect(score).toBeCloseTo(expected![i], 5)
      })
    }
    engine.dispose()
  })
})

import { describe, expect, test } from 'vitest'
import { DEFAULT_METRICS, METRIC_NAMES, parseMetric } from '../../src/evaluate/metrics.js'
import { metricContract } from '../contracts/metric.js'

const score = (spec: string, grades: number[], relevant: number[]): number => {
  const { metric, k } = parseMetric(spec)
  return metric.score({ grades, relevant }, k)
}

describe('metrics of a ranking with relevant documents at ranks 2 and 4, and one that was not found', () => {
  const grades = [0, 1, 0, 1, 0]
  const relevant = [1, 1, 1]
  test.each([
    ['hit@1', 0],
    ['hit@2', 1],
    ['mrr@1', 0],
    ['mrr@5', 1 / 2],
    ['recall@1', 0],
    ['recall@3', 1 / 3],
    ['recall@4', 2 / 3],
    ['precision@2', 1 / 2],
    ['precision@4', 2 / 4],
    ['precision@5', 2 / 5],
    // Precision is 1/2 at rank 2 and 2/4 at rank 4; three documents are relevant.
    ['map@3', 1 / 2 / 3],
    ['map@5', (1 / 2 + 2 / 4) / 3],
    // log2(3) discounts rank 2, log2(5) rank 4; the ideal ranking has ranks 1 to 3: 1 + 1/log2(3) + 1/2.
    ['ndcg@2', 1 / Math.log2(3) / (1 + 1 / Math.log2(3))],
    ['ndcg@5', (1 / Math.log2(3) + 1 / Math.log2(5)) / (1 + 1 / Math.log2(3) + 1 / 2)],
  ])('%s is %d', (spec, expected) => {
    expect(score(spec, grades, relevant)).toBeCloseTo(expected, 12)
  })
})

describe('metrics of a corpus of three documents, fewer than the cut-off', () => {
  const grades = [1, 0, 1]
  const relevant = [1, 1]
  test.each([
    ['hit@10', 1],
    ['recall@10', 1],
    // Ranks without a document count as not relevant, as in trec_eval.
    ['precision@10', 2 / 10],
    ['mrr@10', 1],
    ['map@10', (1 + 2 / 3) / 2],
    ['ndcg@10', (1 + 1 / 2) / (1 + 1 / Math.log2(3))],
  ])('%s is %d', (spec, expected) => {
    expect(score(spec, grades, relevant)).toBeCloseTo(expected, 12)
  })
})

describe('graded relevance', () => {
  test('is the gain itself in ndcg, not 2^grade - 1', () => {
    // Grades 1, 2 where 2, 1 were ideal: (1 + 2 / log2(3)) / (2 + 1 / log2(3)) = 2.26186 / 2.63093.
    expect(score('ndcg@10', [1, 2], [2, 1])).toBeCloseTo(0.859719, 6)
    expect(score('ndcg@10', [2, 1], [2, 1])).toBe(1)
    expect(score('ndcg@1', [1, 2], [2, 1])).toBe(1 / 2)
  })

  test('counts as relevant from grade 1 on in the other metrics', () => {
    for (const name of ['hit', 'mrr', 'recall', 'precision', 'map']) {
      expect(score(`${name}@4`, [0, 3, 1, 0], [3, 2, 1]), name).toBe(score(`${name}@4`, [0, 1, 1, 0], [1, 1, 1]))
    }
  })
})

for (const name of METRIC_NAMES) metricContract(name)

test('the ideal ranking has 1, or the share that the cut-off lets in', () => {
  for (const k of [1, 2, 5]) {
    for (const name of ['hit', 'mrr', 'ndcg', 'precision'])
      expect(score(`${name}@${k}`, [3, 3, 2, 1, 1], [3, 3, 2, 1, 1])).toBe(1)
    for (const name of ['recall', 'map']) expect(score(`${name}@${k}`, [3, 3, 2, 1, 1], [3, 3, 2, 1, 1])).toBe(k / 5)
  }
})

describe('parseMetric', () => {
  test('knows every default metric', () => {
    expect(DEFAULT_METRICS.map(spec => parseMetric(spec).spec)).toEqual(DEFAULT_METRICS)
    expect(parseMetric('map@100')).toMatchObject({ spec: 'map@100', k: 100, metric: { name: 'map' } })
  })

  test.each(
    ['', 'ndcg', 'ndcg@', '@10', 'ndcg@0', 'ndcg@-1', 'ndcg@1.5', 'ndcg@1e2', 'ndcg@ 10', 'ndcg@10@10', 'NDCG@10'].concat([
      'toString@10',
      'ndcg@99999999999999999999',
      'ndcg 10',
      'f1@10',
    ]),
  )('refuses "%s" and names the metrics that there are', spec => {
    expect(() => parseMetric(spec)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(`"${spec}" is not a metric`) }),
    )
    expect(() => parseMetric(spec)).toThrow(METRIC_NAMES.join(', '))
  })
})

test('judged@k counts the documents judged relevant or not among the first k, and never divides by fewer', () => {
  const { metric } = parseMetric('judged@4')
  const judged = [true, false, true, true, true]
  expect(metric.score({ grades: [1, 0, 0, 2, 0], relevant: [2, 1], judged }, 4)).toBe(3 / 4)
  expect(metric.score({ grades: [1], relevant: [1], judged: [true] }, 4)).toBe(1 / 4)
})

import type { Change } from '../../src/evaluate/largest-changes.js'
import { createRandom } from '../../src/math/random.js'
import type { DetailedChange } from '../../src/pipeline/proof.js'
import type { Report } from '../../src/report/index.js'

const SPECS = ['hit@1', 'hit@3', 'hit@5', 'hit@10', 'mrr@10', 'ndcg@10', 'recall@10', 'precision@10', 'map@100']
const BASE = [0.35, 0.52, 0.6, 0.71, 0.46, 0.49, 0.71, 0.071, 0.47]

export interface SampleOptions {
  readonly queries?: number
  /** nDCG@10 of the adapter minus that of the base, with its interval. */
  readonly gain?: readonly [mean: number, low: number, high: number]
  readonly kept?: boolean
  readonly text?: string
  readonly documentText?: string
}

/** A report as a training run gives it, of made-up figures. */
export function sampleReport(options: SampleOptions = {}): Report {
  const { queries = 668, gain = [0.038, 0.016, 0.059], kept = true } = options
  const text = options.text ?? 'What share of the revenue of the year came from customers outside the United States?'
  const [mean, low, high] = gain
  const random = createRandom(7)
  const ranks = { base: new Uint32Array(queries), adapted: new Uint32Array(queries), depth: 100 }
  for (let i = 0; i < queries; i++) {
    const before = Math.floor(Math.exp(random.next() * 5))
    const after = Math.max(1, Math.round(before * Math.exp(random.normal() * 0.5 - 0.2)))
    ranks.base[i] = before > 100 ? 0 : before
    ranks.adapted[i] = after > 100 ? 0 : after
  }
  const n = Math.min(queries, 2000)
  const draw = (at: number) => Float32Array.from({ length: n }, () => at + random.normal() * 0.07)
  const scalars = Object.fromEntries(SPECS.map((spec, i) => [spec, BASE[i]]))
  const changes = (sign: 1 | -1): DetailedChange[] =>
    Array.from({ length: 50 }, (_, i) => {
      const change: Change = {
        queryId: `q${i}`,
        text: `${text} (${i})`,
        base: sign > 0 ? 0.1 : 0.8,
        adapted: sign > 0 ? 0.9 : 0.2,
        baseRank: sign > 0 ? (i % 3 === 0 ? null : 12) : 1,
        adaptedRank: sign > 0 ? 1 : 7,
      }
      const found = ['d1', 'd2', 'd3'].map((id, j) => ({ id, score: 0.7 - j / 20, relevant: j === 1 }))
      return { ...change, found: { base: found, adapted: [found[1], found[0], found[2]] }, relevant: ['d2'] }
    })
  const difference = Object.fromEntries(SPECS.map((spec, i) => [spec, { mean: mean * (1 - i / 20), low, high, p: 0.0004 }]))
  const adapted = Object.fromEntries(SPECS.map((spec, i) => [spec, BASE[i] + mean * (1 - i / 20)]))
  adapted['ndcg@10'] = BASE[5] + mean
  difference['ndcg@10'] = { mean, low, high, p: 0.0004 }
  const part = { difference, metrics: { base: scalars, adapted } } as object
  const tried = [10, 20, 40].flatMap(scale =>
    [0.01, 0.1, 1].flatMap(pull =>
      ['in-batch', 'corpus'].map(negatives => ({ negatives, scale, pull, score: 0.5 + random.next() * 0.05 })),
    ),
  )
  return {
    base: { id: 'openai/text-embedding-3-small', dimensions: 1536 },
    kind: 'linear',
    metric: 'ndcg@10',
    measuredOn: 'the test set',
    queries,
    metrics: { base: scalars, adapted, index: { base: scalars, adapted } },
    index: {
      id: 'pgvector://host/shop#docs',
      metric: 'cosine',
      kind: 'hnsw',
      effort: { ef_search: 40 },
      recall: { k: 10, queries: 100, base: 0.99, adapted: 0.955 },
      short: { base: 0, adapted: 0 },
      curve: [10, 20, 40, 80, 160].map((ef, i) => ({
        effort: `ef_search=${ef}`,
        base: 0.9 + 0.02 * i,
        adapted: 0.87 + 0.03 * i,
      })),
      restored: 'ef_search=160',
      advice: 'ef_search=160 gives adapted queries the recall that the base has now',
    },
    difference,
    wins: Math.round(queries * 0.3),
    ties: Math.round(queries * 0.5),
    losses: queries - Math.round(queries * 0.3) - Math.round(queries * 0.5),
    seen: { queries: Math.round(queries * 0.8), ...part } as Report['seen'],
    unseen: { queries: Math.round(queries * 0.2), ...part } as Report['unseen'],
    gate: kept
      ? { kept, passed: true, reason: 'out-of-fold ndcg@10 +0.0300 (p < 0.001), significant', p: 0, gain: 0.03 }
      : {
          kept,
          passed: false,
          reason: 'out-of-fold ndcg@10 +0.0010 (p = 0.400), not significant',
          p: 0.4,
          gain: 0.001,
        },
    epochs: Array.from({ length: 8 }, (_, i) => ({
      epoch: i + 1,
      loss: 2 / (i + 1) + 0.4,
      metric: 0.5 + 0.03 * (1 - 1 / (i + 1)),
      seconds: 1,
    })),
    bestEpoch: 8,
    hybrid: {
      metric: 'ndcg@10',
      queries,
      documents: 900,
      bm25: 0.612,
      rows: ['the base', 'the adapter'].map((name, i) => ({
        name,
        vectors: 0.49 + 0.038 * i,
        rrf: 0.57,
        tuned: 0.65 + 0.01 * i,
        weight: 0.6,
        difference: { rrf: difference['ndcg@10'], tuned: difference['ndcg@10'] },
      })),
      pays: 'a tuned hybrid with the adapter (ndcg@10 0.6600)',
    },
    tune: { ...tried[4], tried, queries: 2000, documents: 900, folds: 5, seconds: 12.3 },
    data: { train: { queries: 2600, pairs: 2600, documents: 900 }, test: { queries, pairs: queries, documents: 900 } },
    detail: {
      ranks,
      scores: {
        base: { positives: draw(0.55), hardestNegatives: draw(0.5) },
        adapted: { positives: draw(0.62), hardestNegatives: draw(0.48) },
      },
      wins: changes(1),
      losses: changes(-1),
    },
    documentText: id => `${options.documentText ?? 'Net sales outside the United States were 57 % of the total.'} ${id}`,
    facts: [['adapter', 'adapters/openai-text-embedding-3-small.json']],
    warnings: ['12 queries of the test set are in the training set too'],
    reproduce: {
      command: "adapter-train train --base openai --train train.json --report 'my report.html'",
      date: '2026-01-02T03:04:05.000Z',
      versions: [
        ['adapter-train', '0.1.0'],
        ['Node', 'v20.19.0'],
      ],
    },
  }
}

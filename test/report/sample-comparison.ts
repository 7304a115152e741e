import type { CandidateReport, CompareReport } from '../../src/pipeline/compare/run-compare.js'
import type { ComparisonReport } from '../../src/report/index.js'

/** A comparison of made-up figures: the first is the best, `tied` more cannot be told from it. */
export function sampleComparison({ names = ['tuned', 'base', 'small'], tied = 0 } = {}): ComparisonReport {
  const at = (mean: number) => ({ mean, low: mean - 0.03, high: mean + 0.03 })
  const candidates = names.map((name, i): CandidateReport => {
    const mean = 0.6 - i / 20
    return {
      name,
      base: `provider/${name}`,
      ...(i === 0 && { adapter: 'linear' }),
      metrics: { 'recall@10': at(mean + 0.1), 'ndcg@10': at(mean), 'hit@1': at(mean - 0.1) },
      ...(i === 0 ? { rank: 'best' as const } : i <= tied ? { rank: 'tied' as const } : {}),
      costPerMillionQueries: [0.32, 0, null][i % 3],
      milliseconds: { embedding: [12.5, null][i % 2], adapter: i === 0 ? 0.4 : 0 },
      dimensions: 1536 / (i + 1),
      indexBytes: (4 * 1536 * 900) / (i + 1),
      indexBytesPerMillion: (4 * 1536 * 1e6) / (i + 1),
    }
  })
  const pairs = names.flatMap((first, i) =>
    names.slice(i + 1).map((second, k) => {
      const mean = (k + 1) / 20
      const p = i === 0 && k < tied ? 0.4 : 0.0002
      return { first, second, mean, low: mean - 0.02, high: mean + 0.02, p, holm: Math.min(1, p * 3) }
    }),
  )
  const comparison: CompareReport = {
    metric: 'ndcg@10',
    queries: 790,
    data: { name: 'test.json', queries: 800, pairs: 950, documents: 900 },
    candidates,
    pairs,
    samples: { bootstrap: 10_000, randomization: 20_000 },
    seed: 42,
    engine: 'js',
    engineReason: 'asked for',
    embedding: [
      {
        base: 'provider/base',
        texts: 1700,
        unique: 1690,
        hits: 1600,
        misses: 90,
        requests: 2,
        tokens: 4200,
        retries: 0,
      },
    ],
    warnings: [],
  }
  return {
    comparison,
    facts: [['cache', 'cache/embeddings.sqlite']],
    warnings: ['the time of a query could not be measured'],
    reproduce: {
      command: 'adapter-train compare --data test.json --candidate tuned',
      date: '2026-01-02T03:04:05.000Z',
      versions: [['adapter-train', '0.1.0']],
    },
  }
}

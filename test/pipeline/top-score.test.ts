import { expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { dot, matrix, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { partsFromVectors } from '../../src/pipeline/embedded-parts.js'
import { topScoreText } from '../../src/pipeline/top-score.js'
import { trainOnEmbedded } from '../../src/pipeline/train-on-embedded.js'
import type { TopScore } from '../../src/pipeline/training.js'
import { embedded } from '../helpers/embedded.js'

const D = 6
const OFF = { tune: 'off', gate: false, train: { engine: 'js', epochs: 8, learningRate: 0.2, patience: 0 } } as const

/** Query i is document i with its first two coordinates exchanged; vectors are about `length` long, or of length 1. */
function planted(count: number, seed: number, length?: number) {
  const random = createRandom(seed)
  const vector = (values: number[]) =>
    values.map(x => x * (length === undefined ? 1 / Math.hypot(...values) : (length * (1 + 0.3 * random.next())) / 2.4))
  const docs = Array.from({ length: count }, () => vector(Array.from({ length: D }, () => random.normal())))
  const queries = docs.map(([a, b, ...rest]) => vector([b, a, ...rest.map(x => x + 0.2 * random.normal())]))
  return embedded({ queries, docs, positives: docs.map((_, i) => [i]) })
}

/** Median of the best inner products, one by one. */
function medianDot(data: ReturnType<typeof planted>, adapt: (query: Float32Array) => Float32Array): number {
  const best = Array.from({ length: data.queries.rows }, (_, i) => {
    const query = adapt(row(data.queries, i))
    return Math.max(...Array.from({ length: data.docs.rows }, (_, j) => dot(query, row(data.docs, j))))
  }).sort((a, b) => a - b)
  return (best[Math.floor((best.length - 1) / 2)] + best[Math.ceil((best.length - 1) / 2)]) / 2
}

test.each([
  ['of length 1', undefined],
  ['of any length', 12],
])('the median best inner product of vectors %s is recorded, and stays where it was if asked for', async (_, length) => {
  const [train, held] = [planted(80, 1, length), planted(40, 2, length)]
  const parts = () => partsFromVectors({ train, test: held })
  const base = medianDot(held, query => query)
  const { adapter, report } = await trainOnEmbedded(parts(), OFF)
  const { dot: scores, scale } = adapter.training.topScore as TopScore
  expect(scale).toBeUndefined()
  expect(scores!.base.p50).toBeCloseTo(base, 3)
  const moved = medianDot(held, query => applyAdapter(adapter, query))
  expect(scores!.adapted.p50).toBeCloseTo(moved, 3)
  expect(Math.abs(moved / base - 1)).toBeGreaterThan(0.06)
  expect(topScoreText(adapter)).toContain(`inner product moves from ${base.toFixed(2)} to ${moved.toFixed(2)}`)

  const kept = await trainOnEmbedded(parts(), { ...OFF, keepTopScore: true })
  expect(medianDot(held, query => applyAdapter(kept.adapter, query)) / base).toBeCloseTo(1, 4)
  expect(kept.adapter.training.topScore).toMatchObject({
    dot: { base: scores!.base },
    scale: expect.closeTo(base / moved),
  })
  expect(kept.adapter.training.topScore).toMatchObject({ adapted: (adapter.training.topScore as TopScore).adapted })
  expect(kept.adapter.training.options).toMatchObject({ keepTopScore: true })
  expect(kept.report.metrics).toEqual(report.metrics)
  expect(topScoreText(kept.adapter) ?? '').not.toContain('inner product moves')
})

test('what cannot be scaled is refused before training', async () => {
  const parts = partsFromVectors({ train: planted(30, 1) })
  const run = (more: object) => trainOnEmbedded(parts, { ...OFF, keepTopScore: true, ...more })
  await expect(run({ train: { ...OFF.train, kind: 'residual-mlp' } })).rejects.toThrow(
    'expected the kind linear, diagonal, ridge or procrustes, found residual-mlp',
  )
  await expect(run({ textTerms: 'words' })).rejects.toThrow('expected no text terms')
  // Without held-out queries those of the training are measured.
  const { adapter } = await run({})
  expect(adapter.training.topScore).toMatchObject({ scale: expect.any(Number) })
})

test('an adapter whose scores stay says nothing', () => {
  const quantiles = (p50: number) => ({ p10: 0.1, p50, p90: 0.9 })
  const topScore = {
    base: quantiles(0.5),
    adapted: quantiles(0.54),
    dot: { base: quantiles(20), adapted: quantiles(20.9) },
  }
  const params = { W: matrix(1, 1), b: matrix(1, 1) }
  const training = { tool: '', date: '', data: {}, options: {}, metrics: {}, topScore }
  expect(topScoreText({ kind: 'linear', base: { id: 'x', dimensions: 1, normalized: true }, params, training })).toBeUndefined()
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { takeRows } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { partsFromVectors } from '../../src/pipeline/embedded-parts.js'
import { openData } from '../../src/pipeline/open-data.js'
import type { Proof } from '../../src/pipeline/proof.js'
import { warningsFor } from '../../src/pipeline/result.js'
import { runTraining } from '../../src/pipeline/run-training.js'
import { assignKFolds, trainInFolds } from '../../src/pipeline/train-in-folds.js'
import { trainOnEmbedded } from '../../src/pipeline/train-on-embedded.js'
import { embedded } from '../helpers/embedded.js'

const D = 6

/** Query i is document i with its first two coordinates exchanged, and noise; or noise alone. */
function planted(count: number, { seed = 1, noise = 0.2, from = 0, documents = count } = {}): EmbeddedDataset {
  const random = createRandom(seed)
  const docs = Array.from({ length: documents }, () => Array.from({ length: D }, () => random.normal()))
  const queries = Array.from({ length: count }, (_, i) => {
    const [a, b, ...rest] = docs[from + i]
    return [b, a, ...rest].map(x => (noise === Number.POSITIVE_INFINITY ? random.normal() : x + noise * random.normal()))
  })
  return embedded({ queries, docs, positives: queries.map((_, i) => [from + i]) })
}

const OFF = { tune: 'off', gate: false, train: { engine: 'js', epochs: 4, learningRate: 0.02, patience: 0 } } as const
const ONE = { train: { engine: 'js', epochs: 4, negatives: 'positives', scale: 10, pull: 10 } } as const

describe('trainInFolds', () => {
  test('pools what the procedure gives on queries that it has not seen, fold by fold', async () => {
    const data = planted(40)
    const parts = partsFromVectors({ train: data })
    const { report, adapter } = await trainInFolds(parts, { ...OFF, kFold: 4 })

    const expected = new Float64Array(40)
    for (const inside of assignKFolds(parts.trainKeys(), { folds: 4, by: 'query', seed: 42 })) {
      const outside = [...data.positives.keys()].filter(i => !inside.includes(i))
      // Built from scratch: nothing of the held-out queries is anywhere near.
      const take = (rows: ArrayLike<number>) =>
        embedded({
          queries: takeRows(data.queries, rows),
          docs: data.docs,
          positives: Array.from(rows, i => [...data.positives[i].keys()]),
        })
      const { proof } = await trainOnEmbedded(partsFromVectors({ train: take(outside), test: take(inside) }), OFF)
      inside.forEach((row, i) => {
        expected[row] = proof!.scored.adapted.perQuery['ndcg@10'][i]
      })
    }
    const mean = expected.reduce((sum, x) => sum + x, 0) / 40
    expect(report.metrics).toMatchObject({ split: 'k-fold', adapted: { 'ndcg@10': mean } })
    expect(report.kFold).toMatchObject({ folds: 4, by: 'query', queries: 40, results: [{ queries: 10 }, {}, {}, {}] })
    expect(report.wins! + report.ties! + report.losses!).toBe(40)
    expect(report).toMatchObject({ seen: { queries: 0 }, unseen: { queries: 40 } })
    expect(report.difference!['ndcg@10'].low).toBeGreaterThan(0)

    // The adapter itself is that of all the data.
    const whole = await trainOnEmbedded(parts, OFF)
    expect(adapter.params).toEqual(whole.adapter.params)
    expect(adapter.training.options).toMatchObject({ kFold: 4, splitBy: 'query' })
    expect(adapter.training.metrics).toEqual(report.metrics)
    expect(report.warnings).toEqual([])
  })

  test('runs choice and gate in every fold: noise is gated there too and changes nothing', async () => {
    const parts = partsFromVectors({ train: planted(30, { noise: Number.POSITIVE_INFINITY }) })
    const folds: number[] = []
    const { report } = await trainInFolds(parts, { ...ONE, kFold: 3, onFold: (_, number) => folds.push(number) })
    expect(folds).toEqual([1, 2, 3])
    expect(report.kFold!.results.map(({ kept }) => kept)).toEqual([false, false, false])
    expect(report.metrics!.adapted).toEqual(report.metrics!.base)
    expect(report).toMatchObject({ wins: 0, ties: 30, losses: 0, gate: { kept: false } })
  })

  test('tells seen from unseen by what the other folds ask for', async () => {
    const once = planted(24)
    // Every document is asked for twice, by queries 2i and 2i + 1.
    const twice = { ...once, positives: once.positives.map((_, i) => new Map([[i >> 1, 1]])) }
    const parts = partsFromVectors({ train: twice })
    const byQuery = (await trainInFolds(parts, { ...OFF, kFold: 3 })).report
    const byDocument = (await trainInFolds(parts, { ...OFF, kFold: 3, splitBy: 'document' })).report
    expect(byQuery.seen!.queries).toBeGreaterThan(0)
    expect(byDocument).toMatchObject({ seen: { queries: 0 }, unseen: { queries: 24 }, kFold: { by: 'document' } })
  })

  test('reports a test set beside the folds, with the adapter that was trained on everything', async () => {
    const all = { documents: 60 }
    const [train, held] = [planted(40, all), planted(20, { ...all, from: 40 })]
    const parts = partsFromVectors({ train, test: { ...held, docs: train.docs } })
    const { report } = await trainInFolds(parts, { ...OFF, kFold: 2 })
    const { report: plain } = await trainOnEmbedded(parts, OFF)
    const { split: _, ...metrics } = plain.metrics!
    expect(report.metrics!.split).toBe('k-fold')
    expect(report.test).toMatchObject({ queries: 20, metrics, wins: plain.wins, seen: { queries: 0 } })
  })

  test('goes on with the folds that an interrupted run has done, to the same figures and the same adapter', async () => {
    const checkpoint = join(mkdtempSync(join(tmpdir(), 'k-fold-')), 'c')
    const options = { ...ONE, kFold: 3, checkpoint }
    const train = planted(30)
    const data = await openData({ vectors: { train } })
    const whole = await runTraining({ data, ...options, checkpoint: undefined })
    const killed = runTraining({
      data,
      ...options,
      onFold(_, number) {
        if (number === 2) throw new Error('killed')
      },
    })
    await expect(killed).rejects.toThrow('killed')
    const folds: number[] = []
    const resumed = await runTraining({ data, ...options, onFold: (_, number) => folds.push(number) })
    expect(folds).toEqual([3])
    expect(resumed.adapter.params).toEqual(whole.adapter.params)
    for (const key of ['metrics', 'difference', 'wins', 'unseen', 'largest', 'gate'] as const)
      expect(resumed.report[key]).toEqual(whole.report[key])
    await expect(runTraining({ data, ...options, kFold: 4 })).rejects.toThrow('kFold is 4, but was 3')
    rmSync(dirname(checkpoint), { recursive: true })
  })

  test('warns where the procedure loses out of fold by more than noise, and of no missing test set', () => {
    const parts = partsFromVectors({ train: planted(4) })
    const proof = (low: number, high: number) =>
      ({ difference: { 'ndcg@10': { mean: (low + high) / 2, low, high, p: 0.01 } } }) as unknown as Proof
    const warnings = (low: number, high: number) => warningsFor(parts, undefined, 1, { outOfFold: proof(low, high) }, 'ndcg@10')
    expect(warnings(-0.3, -0.1)).toEqual([
      expect.stringMatching(/^out of fold the procedure LOSES ndcg@10: -0\.2000 \(95% CI -0\.3000 to -0\.1000\)/),
    ])
    expect(warnings(-0.3, 0.1)).toEqual([])
  })
})

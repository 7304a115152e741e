import { describe, expect, test } from 'vitest'
import { identity } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { holm } from '../../src/math/statistics/moments.js'
import { partsFromVectors } from '../../src/pipeline/embedded-parts.js'
import { sweepParts } from '../../src/pipeline/run-sweep.js'
import { trainOnEmbedded } from '../../src/pipeline/train-on-embedded.js'
import { expandGrid, type FixedOptions } from '../../src/train/options.js'
import { embedded } from '../helpers/embedded.js'

const D = 6

/** Query i is document i with its first two coordinates exchanged, and noise; or noise alone. */
function planted(count: number, seed = 1, noise = 0.2) {
  const random = createRandom(seed)
  const docs = Array.from({ length: count }, () => Array.from({ length: D }, () => random.normal()))
  const queries = docs.map(([a, b, ...rest]) =>
    [b, a, ...rest].map(x => (noise < 9 ? x + noise * random.normal() : random.normal())),
  )
  return partsFromVectors({ train: embedded({ queries, docs, positives: queries.map((_, i) => [i]) }) })
}

const GRID = expandGrid({
  kind: ['linear', 'low-rank', 'procrustes'],
  size: [1],
  scale: [10],
  pull: [1, 1e6],
  epochs: [6],
})

describe('sweepParts', () => {
  test('sorts all combinations by their out-of-fold metric, each against the base with interval and corrected p', async () => {
    const plans: object[] = []
    const runs: number[] = []
    const { report, adapter } = await sweepParts(planted(60), GRID, {
      engine: 'js',
      onPlan: plan => plans.push(plan),
      onRun: (_, number) => runs.push(number),
    })
    expect(plans).toEqual([{ runs: 6, folds: 5, queries: 60, pairs: 60, documents: 60, seconds: expect.any(Number) }])
    expect(runs).toEqual([1, 2, 3, 4, 5, 6])
    const { lines, base } = report.sweep
    expect(lines).toHaveLength(6)
    expect(lines.map(({ score }) => score)).toEqual(lines.map(({ score }) => score).sort((a, b) => b - a))
    for (const { score, difference: d } of lines) {
      expect(d.mean).toBeCloseTo(score - base, 12)
      expect(d.low).toBeLessThanOrEqual(d.mean)
      expect(d.high).toBeGreaterThanOrEqual(d.mean)
    }
    expect(lines.map(({ difference }) => difference.holm)).toEqual(holm(lines.map(({ difference }) => difference.p)))
    // A pull this strong holds the map at the identity: nothing changes, and nothing is proven.
    const held = lines.find(({ options }) => options.kind === 'linear' && options.pull === 1e6)!
    expect(Math.abs(held.difference.mean)).toBeLessThan(0.02)

    const best: FixedOptions = lines[0].options
    expect(report).toMatchObject({ gate: { kept: true, passed: true }, kind: best.kind })
    expect(adapter.training.options).toMatchObject({ ...best, tune: 'sweep' })
    expect(report.sweep.lines[0].score).toBeGreaterThan(base + 0.1)
  })

  test('measures a combination as training with these options does, and trains the best on everything', async () => {
    const options = { kind: 'linear', scale: 10, pull: 3, epochs: 5, negatives: 'positives' } as const
    const swept = await sweepParts(planted(50), [options], { engine: 'js' })
    const trained = await trainOnEmbedded(planted(50), { tune: 'auto', train: { ...options, engine: 'js' } })
    expect(swept.report.sweep.lines[0].score).toBe(trained.report.tune!.tried[0].score)
    expect(swept.report.gate).toEqual(trained.report.gate)
    expect(swept.adapter.params).toEqual(trained.adapter.params)
  })

  test('holds back the best of many on noise, and keeps it, marked, without the gate', async () => {
    const grid = expandGrid({ scale: [5, 20], pull: [1, 10, 100], epochs: [4] })
    const noise = () => planted(40, 3, 9)
    const { adapter, report } = await sweepParts(noise(), grid, { engine: 'js' })
    expect(report.gate).toMatchObject({ kept: false, passed: false })
    expect(adapter.params.W).toEqual(identity(D))
    const kept = await sweepParts(noise(), grid, { engine: 'js', gate: false })
    expect(kept.report.gate).toMatchObject({ kept: true, passed: false })
    expect(kept.adapter.params.W).not.toEqual(identity(D))
  })

  test.each<[string, FixedOptions, string]>([
    ['an option out of its range', { warmup: 2 }, '"warmup"'],
    ['a kind whose memory is decided otherwise', { kind: 'linear-memory' }, 'sweep the kind linear instead'],
  ])('refuses %s before anything is trained', async (_, point, message) => {
    const onPlan = () => expect.unreachable()
    await expect(sweepParts(planted(20), [{}, point], { engine: 'js', onPlan })).rejects.toThrow(message)
  })
})

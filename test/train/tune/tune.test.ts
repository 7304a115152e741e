import { describe, expect, test } from 'vitest'
import type { EmbeddedDataset } from '../../../src/embed/embedded-dataset.js'
import { createCpuEngine } from '../../../src/engines/cpu/index.js'
import type { Engine } from '../../../src/engines/engine.js'
import { createJsEngine } from '../../../src/engines/js.js'
import { AdapterTrainError } from '../../../src/errors.js'
import { createEvaluator } from '../../../src/evaluate/evaluator.js'
import { type Matrix, matrix } from '../../../src/math/matrix.js'
import { createRandom } from '../../../src/math/random.js'
import { mean } from '../../../src/math/statistics/moments.js'
import { gate } from '../../../src/train/gate.js'
import { TRAINING_OPTIONS } from '../../../src/train/options.js'
import { fitBudget } from '../../../src/train/tune/fit-budget.js'
import { fitScale } from '../../../src/train/tune/scale.js'
import { createSearch } from '../../../src/train/tune/search.js'
import { resolve } from '../../../src/train/tune/search-point.js'
import { choose, type Tried, type TuneResult } from '../../../src/train/tune/tune.js'
import { embedded } from '../../helpers/embedded.js'
import { rejection } from '../../helpers/rejection.js'
import { type TuneOptions, tune } from '../../helpers/tune.js'

const PULL = TRAINING_OPTIONS.pull.recipe

const search = (
  data: EmbeddedDataset,
  options: Partial<TuneOptions> = {},
  engine: Engine = createJsEngine(),
): Promise<TuneResult> => tune(engine, data, { seed: 1, metric: 'ndcg@10', budget: 600, ...options })

const filled = (rows: number, cols: number, value: (i: number, j: number) => number): Matrix =>
  matrix(
    rows,
    cols,
    Float32Array.from({ length: rows * cols }, (_, k) => value(Math.floor(k / cols), k % cols)),
  )

/** Query i asks for document i, in a space that is turned and mirrored: the adapter has to move far from the identity. */
function turned(n: number, d: number, noise: number, seed: number): EmbeddedDataset {
  const random = createRandom(seed)
  const docs = filled(n, d, () => random.normal())
  const queries = filled(n, d, (i, j) => noise * random.normal() - docs.data[i * d + ((j + 1) % d)])
  return embedded({ queries, docs, positives: Array.from({ length: n }, (_, i) => [i]) })
}

/**
 * Every document has a twin that is nobody's positive and differs from it in the first coordinate alone, about which the queries
 * say nothing: only who sees the twins can learn to avoid them.
 */
function twins(n: number, d: number, noise: number, seed: number): EmbeddedDataset {
  const random = createRandom(seed)
  const subjects = filled(n, d, () => random.normal())
  const docs = filled(2 * n, d, (i, j) => (j > 0 ? subjects.data[(i % n) * d + j] : i < n ? 2 : -2))
  const queries = filled(n, d, (i, j) => (j > 0 ? subjects.data[i * d + j] + noise * random.normal() : 0))
  return embedded({ queries, docs, positives: Array.from({ length: n }, (_, i) => [i]) })
}

/** Queries, documents and answers that have nothing to do with each other. */
function noise(pairs: number, documents: number, d: number, seed: number): EmbeddedDataset {
  const random = createRandom(1000 + seed)
  return embedded({
    queries: filled(pairs, d, () => random.normal()),
    docs: filled(documents, d, () => random.normal()),
    positives: Array.from({ length: pairs }, () => [random.int(documents)]),
  })
}

const withoutSeconds = ({ seconds: _, ...rest }: TuneResult) => rest

describe('tune', () => {
  test('weakens the pull where the adapter has to go far, from the plain candidate on', async () => {
    const data = turned(120, 6, 0.3, 1)
    const heard: Tried[] = []
    const found = await search(data, { onTried: tried => heard.push(tried) })
    expect(found.chosen.pull).toBeLessThan(PULL.first / 5)
    expect(found.tried[0]).toMatchObject({ negatives: 'positives', multiple: 2, pull: 100 })
    expect(found.tried.at(0)!.score).toBeLessThan(mean(found.adapted))
    expect(heard).toEqual(found.tried)
    // Every candidate is trained once.
    const keys = found.tried.map(({ negatives, multiple, pull }) => `${negatives} ${multiple} ${pull}`)
    expect(new Set(keys).size).toBe(keys.length)
    // All documents are positives, so that the pools are the same.
    expect(found.tried.filter(({ negatives }) => negatives !== 'positives')).toEqual([])
    expect(found).toMatchObject({ queries: 120, pairs: 120, documents: 120, folds: 5, cut: undefined })
    expect(gate(found, undefined, { metric: 'ndcg@10', seed: 1 })).toMatchObject({ passed: true })
  })

  test('takes the whole corpus for negatives where documents that nobody asks for stand in the way', async () => {
    const found = await search(twins(60, 8, 0.5, 1))
    expect(found.chosen.negatives).toBe('corpus')
    const best = (negatives: string) =>
      Math.max(...found.tried.filter(tried => tried.negatives === negatives).map(({ score }) => score))
    expect(best('corpus')).toBeGreaterThan(best('positives'))
  })

  test('reports what it measured: the base, the chosen candidate and the others, query by query', async () => {
    const data = twins(60, 8, 0.5, 1)
    const { chosen, scale, base, adapted, others, tried } = await search(data)
    const expected = createEvaluator(data, ['ndcg@10']).evaluate(data.queries).perQuery['ndcg@10']
    base.forEach((score, i) => {
      expect(score).toBeCloseTo(expected[i], 10)
    })
    const { score } = tried.find(
      t => t.negatives === chosen.negatives && t.multiple === chosen.multiple && t.pull === chosen.pull,
    )!
    expect(mean(adapted)).toBe(score)
    expect(others).toHaveLength(tried.length - 1)
    const means = [adapted, ...others].map(mean).sort()
    expect(means).toEqual(tried.map(t => t.score).sort())
    expect(scale).toBe(chosen.multiple * (await fitScale(createJsEngine(), data, 1)))
  })

  test('a candidate that wins by less than a standard error does not replace the first one', async () => {
    let refused = 0
    for (let seed = 0; seed < 8; seed++) {
      const fixed = { negatives: 'positives', scale: 4, epochs: 8 } as const
      const { chosen, adapted, others } = await search(turned(40, 6, 0.6, seed), { fixed })
      if (chosen.pull !== PULL.first) continue
      for (const other of others) {
        const delta = other.map((value, i) => value - adapted[i])
        const gain = mean(delta)
        const standardError = Math.sqrt(mean(delta.map(value => (value - gain) ** 2)) / delta.length)
        expect(gain).toBeLessThanOrEqual(standardError + 1e-12)
        if (gain > 0) refused++
      }
    }
    expect(refused).toBeGreaterThan(0)
  })

  test('gives the same twice, and something else under another seed', async () => {
    const data = turned(40, 6, 0.6, 3)
    const found = withoutSeconds(await search(data))
    expect(withoutSeconds(await search(data))).toEqual(found)
    expect(withoutSeconds(await search(data, { seed: 2 })).adapted).not.toEqual(found.adapted)
  })

  test('queries without a relevant document take no part', async () => {
    const data = turned(40, 6, 0.6, 3)
    const more = { ...data, positives: data.positives.map((map, i) => (i % 4 === 0 ? new Map() : map)) }
    const found = await search(more, { fixed: { pull: 30 } })
    expect(found).toMatchObject({ queries: 30, pairs: 30 })
    expect(found.adapted).toHaveLength(30)
  })

  test.each([0, 1])('%i queries with a relevant document are too few', async count => {
    const data = turned(6, 4, 0.1, 1)
    const positives = data.positives.map((map, i) => (i < count ? map : new Map()))
    const error = await rejection(search({ ...data, positives }))
    expect(error).toMatchObject({
      code: 'TRAIN_DATA',
      message: expect.stringMatching(`at least 2 .*, found ${count}\\..*\\(--tune off`),
    })
  })

  test('two queries are enough to look, though never to prove', async () => {
    const found = await search(turned(2, 4, 0.1, 1), { fixed: { pull: 10, negatives: 'positives' } })
    expect(found).toMatchObject({ queries: 2, folds: 2 })
    expect(gate(found, undefined, { metric: 'ndcg@10', seed: 1 }).passed).toBe(false)
  })

  test('stops when it is told to', async () => {
    const error = await rejection(search(turned(40, 6, 0.6, 3), { signal: AbortSignal.abort() }))
    expect(error.code).toBe('ABORTED')
  })

  test.each([
    ['that is stopped', 'ABORTED'],
    ['whose engine fails', 'ENGINE_MEMORY'],
  ])('a climb %s fails alone: of what was started ahead no rejection is left unhandled', async (_, code) => {
    const js = createJsEngine()
    const abort = new AbortController()
    let full = false
    const adamw: Engine['adamw'] = (...args) => {
      if (full) throw new AdapterTrainError('ENGINE_MEMORY', 'no memory left')
      js.adamw(...args)
    }
    const options = { seed: 1, metric: 'ndcg@10', budget: 600, signal: abort.signal }
    const prepared = await createSearch({ ...js, adamw }, turned(40, 6, 0.6, 3), options)
    const unhandled: unknown[] = []
    const hear = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', hear)
    try {
      if (code === 'ABORTED') abort.abort()
      else full = true
      expect(await rejection(choose({ ...prepared, wholeGrid: false }))).toMatchObject({ code })
      await new Promise(resolve => setTimeout(resolve, 20))
    } finally {
      process.off('unhandledRejection', hear)
      await prepared.free()
    }
    expect(unhandled).toEqual([])
  })
})

describe('options that are given', () => {
  const data = twins(40, 6, 0.5, 1)

  test('stay as they are: with all of them one candidate is left', async () => {
    const fixed = { negatives: 'in-batch', scale: 17, pull: 7, epochs: 2, batchSize: 8 } as const
    const found = await search(data, { fixed })
    expect(found.tried).toMatchObject([{ negatives: 'in-batch', pull: 7 }])
    expect(found.scale).toBe(17)
    expect(found.others).toEqual([])
  })

  test('leave the others to the search', async () => {
    const pulls = (found: TuneResult) => new Set(found.tried.map(({ pull }) => pull))
    const pools = (found: TuneResult) => new Set(found.tried.map(({ negatives }) => negatives))
    const multiples = (found: TuneResult) => new Set(found.tried.map(({ multiple }) => multiple))

    const pulled = await search(data, { fixed: { pull: 12.5 } })
    expect(pulls(pulled)).toEqual(new Set([12.5]))
    expect(pools(pulled)).toEqual(new Set(['positives', 'corpus']))
    expect(multiples(pulled)).toEqual(new Set([2, 1]))

    const pooled = await search(data, { fixed: { negatives: 'positives', scale: 30 } })
    expect(pools(pooled)).toEqual(new Set(['positives']))
    expect(pooled.scale).toBe(30)
    expect(pulls(pooled).size).toBeGreaterThan(1)
  })

  test('a closed form is tuned over the pull alone', async () => {
    const found = await search(turned(60, 6, 0.3, 1), { fixed: { kind: 'ridge' } })
    expect(found.tried.length).toBeGreaterThan(2)
    expect(new Set(found.tried.map(({ pull }) => pull)).size).toBe(found.tried.length)
    for (const tried of found.tried) expect(PULL.grid).toContain(tried.pull)
    expect(new Set(found.tried.map(({ negatives, multiple }) => `${negatives} ${multiple}`)).size).toBe(1)
    expect(found.chosen.pull).toBeLessThan(PULL.first)
  })

  test('another kind is what is trained', async () => {
    const fixed = { pull: 10, negatives: 'positives', scale: 10, epochs: 4 } as const
    const [linear, diagonal] = [await search(data, { fixed }), await search(data, { fixed: { ...fixed, kind: 'diagonal' } })]
    expect(diagonal.adapted).not.toEqual(linear.adapted)
  })
})

describe('the time budget', () => {
  const tiny = { budget: 1e-9 }

  test('is kept by fewer epochs first, which is said', async () => {
    const found = await search(turned(60, 6, 0.3, 1), tiny)
    expect(found.cut).toMatch(
      /^cross-validation was cut to 8 instead of 20 epochs, and candidates are left out, since all would take about \d+ s, to stay within 1e-9 s \(--tune-budget\); \d+ candidates or directions were not tried, to stay within 1e-9 s/,
    )
    expect(found.queries).toBe(60)
    // The first candidate is tried in any case.
    expect(found.tried).toHaveLength(1)
  })

  test('then by fewer queries, but not by fewer than 400', async () => {
    const found = await search(turned(450, 4, 0.3, 1), { ...tiny, fixed: { pull: 100, scale: 4 } })
    expect(found.cut).toMatch(/8 instead of 20 epochs and 400 instead of 450 queries/)
    expect(found).toMatchObject({ queries: 400, pairs: 400, documents: 450 })
    expect(found.adapted).toHaveLength(400)
  })

  test('epochs that are given are not cut', async () => {
    const found = await search(turned(60, 6, 0.3, 1), { ...tiny, fixed: { epochs: 3, pull: 100 } })
    expect(found.cut).toMatch(/^cross-validation was cut, and candidates are left out/)
  })

  test('is not taken for too short because something else held up one epoch', async () => {
    const js = createJsEngine()
    let reads = 0
    const engine: Engine = {
      ...js,
      // An epoch reads the loss, W and b: the fourth is of the second epoch, the first one that is timed.
      read: t => {
        const end = performance.now() + (++reads === 4 ? 400 : 0)
        while (performance.now() < end);
        return js.read(t)
      },
    }
    const fixed = { negatives: 'positives', scale: 4, pull: 100 } as const
    expect((await search(turned(60, 6, 0.3, 1), { fixed, budget: 25 }, engine)).cut).toBeUndefined()
    expect(reads).toBeGreaterThan(4)
  })

  test('with room for a climb but not for the whole grid says that it tries a part', async () => {
    const js = createJsEngine()
    const slow: Engine = {
      ...js,
      read: t => {
        for (const end = performance.now() + 50; performance.now() < end; );
        return js.read(t)
      },
    }
    const first = { negatives: 'positives', multiple: 2, pull: 100 } as const
    const within = (budget: number) => fitBudget(slow, turned(60, 6, 0.3, 1), first, 10, { seed: 1, budget })
    expect(await within(140)).toMatchObject({ wholeGrid: false, cut: expect.stringMatching(/a part of the grid.* within 140 s/) })
    expect(await within(1e5)).toMatchObject({ wholeGrid: true, cut: undefined })
  })

  test('that is long enough cuts nothing', async () => {
    expect((await search(turned(60, 6, 0.3, 1), { fixed: { pull: 100 } })).cut).toBeUndefined()
  })
})

test('of 20 sets of noise with 50 pairs the gate lets one through at the most', async () => {
  const engine = await createCpuEngine()
  const kept = { best: 0, alone: 0 }
  for (let seed = 0; seed < 20; seed++) {
    const found = await search(noise(50, 50, 64, seed), { seed, fixed: { epochs: 10 } }, engine)
    const options = { metric: 'ndcg@10', seed }
    if (gate(found, undefined, options).kept) kept.best++
    if (gate({ ...found, others: [] }, undefined, options).kept) kept.alone++
  }
  engine.dispose()
  expect(kept.best).toBeLessThanOrEqual(1)
  // What the best of several candidates gains by chance: it has to be allowed for.
  expect(kept.alone).toBeGreaterThan(kept.best)
})

test('resolve takes the recipe’s numbers by the number of queries, and the given ones before those', () => {
  const point = { negatives: 'positives', multiple: 2, pull: 30 } as const
  const fitted = { fittedScale: 7, seed: 5 }
  expect(resolve({}, point, 2000, fitted)).toEqual({
    kind: 'linear',
    patience: 0,
    keep: 'last',
    negatives: 'positives',
    scale: 14,
    pull: 30,
    epochs: 20,
    batchSize: 32,
    learningRate: 0.01,
    seed: 5,
    schedule: 'cosine',
    warmup: 0.05,
    weightDecay: 0,
    maxGradNorm: 0,
  })
  expect(resolve({}, point, 2001, fitted)).toMatchObject({ epochs: 20, batchSize: 128 })
  expect(resolve({}, point, 5001, fitted)).toMatchObject({ epochs: 10, batchSize: 128 })
  const fixed = { epochs: 1, batchSize: 2, learningRate: 3, warmup: 0.5, weightDecay: 4, maxGradNorm: 6, scale: 8 }
  expect(resolve({ ...fixed, schedule: 'linear' }, point, 100, fitted)).toMatchObject({
    ...fixed,
    schedule: 'linear',
  })
})

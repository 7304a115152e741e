import { closedForm } from '../../adapters/closed-forms/index.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { countPairs } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import type { Rows } from '../../math/row-source.js'
import { RECIPE } from '../recipe.js'
import type { Candidate, FixedOptions } from './candidate.js'
import { trainerOptions } from './candidate.js'
import { crossValidate } from './cross-validate.js'
import { epochSeconds } from './fit-budget.js'
import { createThreadedFoldRunner, foldThreads } from './fold-threads.js'
import { assignFolds } from './folds.js'
import { sampleDataset } from './sample-dataset.js'
import { fitTemperature } from './temperature.js'

export interface SweepOptions {
  readonly seed: number
  readonly metric: string
  readonly signal?: AbortSignal
  /** Called before the first run. */
  readonly onPlan?: (plan: SweepPlan) => void
  readonly onRun?: (run: SweepRun, number: number) => void
}

/** What is about to be done. */
export interface SweepPlan {
  readonly runs: number
  /** Queries, pairs and documents that are looked at, and the folds of every run. */
  readonly queries: number
  readonly pairs: number
  readonly documents: number
  readonly folds: number
  /** A rough estimate, by the speed of the first run that is trained by steps; absent where none is. */
  readonly seconds?: number
}

/** One combination of options in cross-validation. */
export interface SweepRun {
  readonly options: FixedOptions
  readonly candidate: Candidate
  /** Inverse temperature. */
  readonly scale: number
  /** Out-of-fold metric of every query. */
  readonly scores: Float64Array
  readonly seconds: number
}

export interface SweepResult extends SweepPlan {
  readonly results: readonly SweepRun[]
  /** The metric of every query for the unadapted embedding. */
  readonly base: Float64Array
  readonly tau0: number
}

/**
 * Cross-validates combinations of options, all on the same queries, documents and folds.
 * @param points at least one; what they leave open is the recipe's
 * @throws as `createTrainer`
 */
export async function sweep(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  points: readonly FixedOptions[],
  { seed, metric, signal, onPlan, onRun }: SweepOptions,
): Promise<SweepResult> {
  const sample = sampleDataset(data, { queries: RECIPE.tuneQueries, documents: RECIPE.tuneDocuments, seed })
  const n = sample.queries.rows
  const folds = assignFolds(n, Math.min(RECIPE.folds(n), n), seed)
  const foldCount = new Set(folds).size
  const needsTemperature = points.some(({ kind = 'linear', scale }) => scale === undefined && !closedForm(kind))
  const tau0 = needsTemperature ? await fitTemperature(engine, data, seed) : 1
  const candidates = points.map(candidateOf)
  const plan: SweepPlan = {
    runs: points.length,
    queries: n,
    pairs: countPairs(sample),
    documents: sample.docs.rows,
    folds: foldCount,
    seconds: await estimate(),
  }
  onPlan?.(plan)

  const results: SweepRun[] = []
  const runner = createThreadedFoldRunner(engine, { data: sample, metric, tau0, seed, fixed: {} }, signal)
  try {
    const base = await runner.base()
    for (const [i, fixed] of points.entries()) {
      const started = performance.now()
      const candidate = candidates[i]
      const { scores } = await crossValidate(folds, rows => runner.run({ candidate, fixed, ...rows }))
      const scale = fixed.scale ?? tau0 * candidate.multiple
      results.push({ options: fixed, candidate, scale, scores, seconds: (performance.now() - started) / 1000 })
      onRun?.(results[i], i + 1)
    }
    return { ...plan, results, base, tau0 }
  } finally {
    await runner.free()
  }

  async function estimate(): Promise<number | undefined> {
    const stepped = points.flatMap(({ kind = 'linear' }, i) => (closedForm(kind) ? [] : [i]))
    if (stepped.length === 0) return undefined
    const optionsOf = (i: number) => trainerOptions(candidates[i], tau0, n, seed, points[i])
    const epoch = await epochSeconds(engine, sample, { ...optionsOf(stepped[0]), signal })
    const epochs = stepped.reduce((sum, i) => sum + optionsOf(i).epochs, 0)
    const speedUp = (1 + foldThreads(engine, { data: sample })) / 2
    return (epoch * epochs * (foldCount - 1)) / speedUp
  }
}

/** Where a combination leaves negatives, temperature or pull open, the recipe's start stands in. */
function candidateOf({ kind = 'linear', negatives, pull }: FixedOptions): Candidate {
  return {
    negatives: negatives ?? RECIPE.negatives[0],
    multiple: RECIPE.multiples[0],
    pull: pull ?? closedForm(kind)?.defaultPull ?? RECIPE.firstPull,
  }
}

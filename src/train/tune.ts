import { adapterKind } from '../adapters/index.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import type { NegativesName } from '../losses/index.js'
import { bootstrapP } from '../math/statistics/bootstrap.js'
import { mean, populationStandardDeviation } from '../math/statistics/moments.js'
import { createScorer, crossValidate } from './cross-validate.js'
import { assignFolds, sampleDataset } from './folds.js'
import { RECIPE } from './recipe.js'
import { fitTemperature } from './temperature.js'
import { createTrainer, type TrainerOptions } from './trainer.js'

/** One point of the search. */
export interface Candidate {
  readonly negatives: NegativesName
  /** Inverse temperature in units of tau0. */
  readonly multiple: number
  /** Strength c of the pull to the identity. */
  readonly pull: number
}

/** Options that the user has set and the search must leave alone. */
export interface FixedOptions {
  readonly kind?: string
  readonly size?: number
  readonly negatives?: NegativesName
  readonly maxNegatives?: number
  /** The inverse temperature itself. */
  readonly scale?: number
  readonly pull?: number
  readonly epochs?: number
  readonly batchSize?: number
  readonly learningRate?: number
  readonly schedule?: TrainerOptions['schedule']
  readonly warmup?: number
  readonly weightDecay?: number
  readonly maxGradNorm?: number
}

export interface TuneOptions {
  readonly fixed?: FixedOptions
  readonly seed: number
  readonly metric: string
  /** Seconds that the search may take; it then tries fewer epochs and queries, and says so. */
  readonly budget: number
  readonly signal?: AbortSignal
  readonly onTried?: (tried: Tried) => void
}

export interface Tried extends Candidate {
  /** Mean out-of-fold metric. */
  readonly score: number
  readonly seconds: number
}

export interface TuneResult {
  readonly chosen: Candidate
  /** The inverse temperature of the chosen candidate. */
  readonly scale: number
  readonly tried: readonly Tried[]
  /** Queries and documents that the search looked at, and its folds. */
  readonly queries: number
  readonly documents: number
  readonly folds: number
  /** Out-of-fold metric of every query, for the base and for the chosen candidate. */
  readonly base: Float64Array
  readonly adapted: Float64Array
  /** Share of bootstrap resamples in which the chosen candidate is not better than the base. */
  readonly p: number
  /** What was cut to stay within the budget. */
  readonly cut?: string
  readonly seconds: number
}

/** Candidates that a search visits, about; for the estimate of its time. */
const USUAL_CANDIDATES = 7
/** What a search is cut down to, step by step; few steps, so that small differences in speed seldom change the result. */
const LEVELS = [
  { epochs: 0.6, queries: 1 },
  { epochs: 0.4, queries: 1 },
  { epochs: 0.4, queries: 0.6 },
  { epochs: 0.4, queries: 0.3 },
] as const
/** Queries below which a search is not cut. */
const LEAST_QUERIES = 400

/** Training options of a candidate, for so many training queries. */
export function trainerOptions(
  candidate: Candidate,
  tau0: number,
  queries: number,
  seed: number,
  fixed: FixedOptions = {},
): TrainerOptions {
  return {
    kind: adapterKind(fixed.kind ?? 'linear'),
    size: fixed.size,
    negatives: candidate.negatives,
    maxNegatives: fixed.maxNegatives,
    scale: fixed.scale ?? tau0 * candidate.multiple,
    pull: candidate.pull,
    epochs: fixed.epochs ?? RECIPE.epochs(queries),
    batchSize: fixed.batchSize ?? RECIPE.batchSize(queries),
    learningRate: fixed.learningRate ?? RECIPE.learningRate,
    schedule: fixed.schedule ?? RECIPE.schedule,
    warmup: fixed.warmup ?? RECIPE.warmup,
    weightDecay: fixed.weightDecay ?? RECIPE.weightDecay,
    maxGradNorm: fixed.maxGradNorm ?? RECIPE.maxGradNorm,
    seed,
  }
}

/**
 * Chooses negatives, temperature and pull by cross-validation inside the training data, and measures the chosen options' gain
 * out of fold.
 *
 * Starts from the plain candidate, climbs along the grid of pulls, then tries the other pool and the other multiple, each with a
 * climb of its own; a candidate replaces the incumbent only when it is better by more than one paired standard error.
 *
 * @throws as `createTrainer`
 */
export async function tune(engine: Engine, data: EmbeddedDataset, options: TuneOptions): Promise<TuneResult> {
  const started = performance.now()
  const { fixed = {}, seed } = options
  const kind = adapterKind(fixed.kind ?? 'linear')
  const tau0 = fixed.scale === undefined ? await fitTemperature(engine, data, seed) : 1
  const first: Candidate = {
    negatives: fixed.negatives ?? RECIPE.negatives[0],
    multiple: fixed.scale === undefined ? RECIPE.multiples[0] : fixed.scale,
    pull: fixed.pull ?? RECIPE.firstPull,
  }
  const largest = sampleDataset(data, { queries: RECIPE.tuneQueries, documents: RECIPE.tuneDocuments, seed })
  const { sample, epochs, cut } = await fitBudget(engine, largest, first, tau0, options)
  const n = sample.queries.rows
  const folds = Math.min(RECIPE.folds(n), n)
  const assigned = assignFolds(n, folds, seed)
  const scorer = createScorer(engine, sample, kind, options.metric)
  const everything = Uint32Array.from({ length: n }, (_, i) => i)

  const scores = new Map<string, Float64Array>()
  const tried: Tried[] = []
  async function scoresOf(candidate: Candidate): Promise<Float64Array> {
    const key = JSON.stringify([candidate.negatives, candidate.multiple, candidate.pull])
    const known = scores.get(key)
    if (known) return known
    const from = performance.now()
    const found = await crossValidate(engine, sample, scorer, assigned, queries => ({
      ...trainerOptions(candidate, tau0, queries, seed, { ...fixed, epochs }),
      signal: options.signal,
    }))
    scores.set(key, found)
    const result = { ...candidate, score: mean(found), seconds: (performance.now() - from) / 1000 }
    tried.push(result)
    options.onTried?.(result)
    return found
  }

  async function better(candidate: Candidate, incumbent: Candidate): Promise<boolean> {
    const [a, b] = [await scoresOf(candidate), await scoresOf(incumbent)]
    const delta = a.map((value, i) => value - b[i])
    const gain = mean(delta)
    return gain > 0 && gain > (RECIPE.standardErrors * populationStandardDeviation(delta)) / Math.sqrt(delta.length)
  }

  /** Walks along the pulls from `start`, down first; `incumbent` is what has to be beaten. */
  async function climb(start: Candidate, incumbent: Candidate): Promise<Candidate> {
    let best = incumbent
    if (start !== incumbent && (await better(start, best))) best = start
    if (fixed.pull !== undefined) return best
    const pulls: readonly number[] = RECIPE.pulls
    const from = pulls.indexOf(start.pull)
    for (const direction of [1, -1]) {
      let moved = false
      for (let i = from + direction; i in pulls; i += direction) {
        const next = { ...start, pull: pulls[i] }
        if (!(await better(next, best))) break
        best = next
        moved = true
      }
      if (moved) break
    }
    return best
  }

  try {
    const base = await scorer.score(everything)
    await scoresOf(first)
    let best = await climb(first, first)
    if (fixed.negatives === undefined && hasMoreDocuments(sample)) {
      for (const negatives of RECIPE.negatives.slice(1)) best = await climb({ ...best, negatives }, best)
    }
    if (fixed.scale === undefined) {
      for (const multiple of RECIPE.multiples.slice(1)) best = await climb({ ...best, multiple }, best)
    }
    const adapted = await scoresOf(best)
    const delta = adapted.map((value, i) => value - base[i])
    return {
      chosen: best,
      scale: tau0 * best.multiple,
      tried,
      queries: n,
      documents: sample.docs.rows,
      folds,
      base,
      adapted,
      p: bootstrapP(delta, { samples: RECIPE.gateSamples, seed }),
      cut,
      seconds: (performance.now() - started) / 1000,
    }
  } finally {
    scorer.free()
  }
}

/** Whether there are documents that are no query's positive. */
function hasMoreDocuments(data: EmbeddedDataset): boolean {
  const asked = new Set<number>()
  for (const positives of data.positives) for (const document of positives.keys()) asked.add(document)
  return asked.size < data.docs.rows
}

/** Times one epoch of the first candidate and cuts epochs, then queries, until the search should end within the budget. */
async function fitBudget(
  engine: Engine,
  sample: EmbeddedDataset,
  first: Candidate,
  tau0: number,
  { fixed = {}, seed, budget, signal }: TuneOptions,
): Promise<{ sample: EmbeddedDataset; epochs: number | undefined; cut?: string }> {
  const n = sample.queries.rows
  const folds = RECIPE.folds(n)
  const options = { ...trainerOptions(first, tau0, n, seed, fixed), signal }
  const trainer = createTrainer(engine, sample, options)
  const started = performance.now()
  try {
    await trainer.epoch()
  } finally {
    trainer.free()
  }
  const epochSeconds = (performance.now() - started) / 1000
  const needed = epochSeconds * options.epochs * (folds - 1) * USUAL_CANDIDATES
  if (needed <= budget) return { sample, epochs: fixed.epochs }

  const level = LEVELS.find(({ epochs, queries }) => needed * (fixed.epochs ? 1 : epochs) * queries <= budget) ?? LEVELS[LEVELS.length - 1]
  const epochs = fixed.epochs ?? Math.ceil(options.epochs * level.epochs)
  const queries = Math.max(Math.min(LEAST_QUERIES, n), Math.ceil(n * level.queries))
  const parts = [
    ...(epochs < options.epochs ? [`${epochs} instead of ${options.epochs} epochs`] : []),
    ...(queries < n ? [`${queries} instead of ${n} queries`] : []),
  ]
  const smaller = queries < n ? sampleDataset(sample, { queries, documents: RECIPE.tuneDocuments, seed }) : sample
  const cut = parts.length > 0 ? `options were chosen with ${parts.join(' and ')} to stay within ${budget} s` : undefined
  return { sample: smaller, epochs, cut }
}

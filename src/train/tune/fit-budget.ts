import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { RECIPE } from '../recipe.js'
import { createTrainer, type Trainer, type TrainerOptions } from '../trainer.js'
import { type Candidate, type FixedOptions, trainerOptions } from './candidate.js'
import { joinQueries } from './extra-queries.js'
import { sampleDataset } from './sample-dataset.js'

/** Pulls that a search visits for one pool and temperature, about; for the estimate of its time. */
const USUAL_PULLS = 7 / 3
/** What a search is cut down to, step by step; few steps, so that small differences in speed seldom change the result. */
const LEVELS = [
  { epochs: 0.6, queries: 1 },
  { epochs: 0.4, queries: 1 },
  { epochs: 0.4, queries: 0.6 },
  { epochs: 0.4, queries: 0.3 },
] as const
/** Epochs that are timed, while they take less than so long: the fastest counts, since another program may have stopped one. */
const TIMED_EPOCHS = 10
const TIMING_MS = 500
/** Budgets in which a search has room so many times leave no doubt. */
const CLEAR = 3
/** Queries below which a search is not cut. */
const LEAST_QUERIES = 400

export interface FitBudgetOptions {
  readonly fixed?: FixedOptions
  readonly seed: number
  /** Seconds. */
  readonly budget: number
  /** Folds that are computed at once. */
  readonly threads?: number
  /** Queries that some candidates are trained on too. */
  readonly pseudo?: EmbeddedDataset
  readonly signal?: AbortSignal
}

/**
 * Times epochs of the first candidate and cuts epochs, then queries, until the search should end within the budget.
 * @returns what to search on, the epochs where they are given or cut, and what was cut
 * @throws as `createTrainer`
 */
export async function fitBudget(
  engine: Engine,
  sample: EmbeddedDataset,
  first: Candidate,
  tau0: number,
  { fixed = {}, seed, budget, threads = 1, pseudo, signal }: FitBudgetOptions,
): Promise<{ sample: EmbeddedDataset; epochs: number | undefined; cut?: string }> {
  const n = sample.queries.rows
  const folds = RECIPE.folds(n)
  const asked = trainerOptions(first, tau0, n, seed, fixed)
  const options = { ...asked, signal }
  const climbs = 1 + (fixed.negatives === undefined ? 1 : 0) + (fixed.scale === undefined ? 1 : 0)
  const pulls = fixed.pull === undefined ? USUAL_PULLS : 1
  const secondsOf = (plain: number, joined: number): number =>
    ((climbs * plain + joined) * pulls * asked.epochs * (folds - 1)) / speedUp(threads)
  const clear = (epoch: number): boolean => CLEAR * secondsOf(epoch, pseudo ? epoch : 0) <= budget
  const plain = await epochSeconds(engine, sample, options, clear)
  const joined = pseudo ? await epochSeconds(engine, joinQueries(sample, pseudo), options, clear) : 0
  const needed = secondsOf(plain, joined)
  if (needed <= budget) return { sample, epochs: fixed.epochs }

  const level =
    LEVELS.find(({ epochs, queries }) => needed * (fixed.epochs ? 1 : epochs) * queries <= budget) ??
    LEVELS[LEVELS.length - 1]
  const epochs = fixed.epochs ?? Math.ceil(asked.epochs * level.epochs)
  const queries = Math.max(Math.min(LEAST_QUERIES, n), Math.ceil(n * level.queries))
  const parts = [
    ...(epochs < asked.epochs ? [`${epochs} instead of ${asked.epochs} epochs`] : []),
    ...(queries < n ? [`${queries} instead of ${n} queries`] : []),
  ]
  const smaller = queries < n ? sampleDataset(sample, { queries, documents: RECIPE.tuneDocuments, seed }) : sample
  const cut =
    parts.length > 0
      ? `cross-validation was cut to ${parts.join(' and ')} to stay within ${budget} s (--tune-budget)`
      : undefined
  return { sample: smaller, epochs, cut }
}

/**
 * Seconds of an epoch, the fastest of some.
 * @param enough whether an epoch of that length leaves no doubt, so that no more need to be timed
 */
export async function epochSeconds(
  engine: Engine,
  data: EmbeddedDataset,
  options: TrainerOptions,
  enough: (seconds: number) => boolean = () => false,
): Promise<number> {
  const trainer = createTrainer(engine, data, { ...options, epochs: Math.max(1 + TIMED_EPOCHS, options.epochs) })
  let fastest = Number.POSITIVE_INFINITY
  try {
    // The first epoch also warms the engine up, and counts only where it leaves no doubt.
    const first = await timed(trainer)
    if (enough(first)) return first
    const started = performance.now()
    for (let i = 0; i < TIMED_EPOCHS && performance.now() - started < TIMING_MS && !enough(fastest); i++) {
      fastest = Math.min(fastest, await timed(trainer))
    }
  } finally {
    trainer.free()
  }
  return fastest
}

async function timed(trainer: Trainer): Promise<number> {
  const from = performance.now()
  await trainer.epoch()
  return (performance.now() - from) / 1000
}

/** How much faster so many threads are, each with a part of the cores: about half of what they could be at best. */
const speedUp = (threads: number): number => (1 + threads) / 2

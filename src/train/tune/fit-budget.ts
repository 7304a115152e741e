import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import type { FixedOptions } from '../options.js'
import { RECIPE } from '../recipe.js'
import { createTrainer, type Trainer, type TrainerOptions } from '../trainer.js'
import { joinQueries, sampleDataset } from './sample.js'
import { resolve, type SearchPoint } from './search-point.js'

/** Pulls a search visits per pool and scale, on average; for the estimate of its time. */
const USUAL_PULLS = 7 / 3
/** Shares to which a search is cut; few levels, so that small differences in speed seldom change the result. */
const LEVELS = [
  { epochs: 0.6, queries: 1 },
  { epochs: 0.4, queries: 1 },
  { epochs: 0.4, queries: 0.6 },
  { epochs: 0.4, queries: 0.3 },
] as const
/** Epochs timed, within TIMING_MS: the fastest counts, since another program may have slowed one. */
const TIMED_EPOCHS = 10
const TIMING_MS = 500
/** Time of a whole grid in climbs: it tries about 20 points, a climb 9. */
const GRID_SEARCHES = 2.5
/** A budget with room for so many searches leaves no doubt. */
const CLEAR = 3
/** Fewest queries of a search that was cut. */
const LEAST_QUERIES = 400

export interface FitBudgetOptions {
  readonly fixed?: FixedOptions
  readonly seed: number
  /** Time limit in seconds, kept by fewer epochs and queries. */
  readonly budget: number
  /** Share of it that is left for what comes after the search. Default 0. */
  readonly reserved?: number
  /** Folds computed at once. */
  readonly threads?: number
  /** Queries that some points are trained on too. */
  readonly pseudo?: EmbeddedDataset
  readonly signal?: AbortSignal
}

/**
 * Times epochs of the first point and cuts epochs, then queries, until the search should end within the budget.
 * @returns the sample, the epochs if they are given or cut, a message if something was cut, and whether a whole grid has room
 */
export async function fitBudget(
  engine: Engine,
  sample: EmbeddedDataset,
  first: SearchPoint,
  fittedScale: number,
  { fixed = {}, seed, budget, reserved = 0, threads = 1, pseudo, signal }: FitBudgetOptions,
): Promise<{ sample: EmbeddedDataset; epochs: number | undefined; cut?: string; wholeGrid: boolean }> {
  const n = sample.queries.rows
  const room = budget * (1 - reserved)
  const folds = RECIPE.folds(n)
  const asked = resolve(fixed, first, n, { fittedScale, seed })
  const options = { ...asked, signal }
  const climbs = 1 + (fixed.negatives === undefined ? 1 : 0) + (fixed.scale === undefined ? 1 : 0)
  const pulls = fixed.pull === undefined ? USUAL_PULLS : 1
  const secondsOf = (plain: number, joined: number): number =>
    ((climbs * plain + joined) * pulls * asked.epochs * (folds - 1)) / speedUp(threads)
  const clear = (epoch: number): boolean => CLEAR * secondsOf(epoch, pseudo ? epoch : 0) <= room
  const plain = await epochSeconds(engine, sample, options, clear)
  const joined = pseudo ? await epochSeconds(engine, joinQueries(sample, pseudo), options, clear) : 0
  const needed = secondsOf(plain, joined)
  const wholeGrid = n <= RECIPE.wholeGridQueries && GRID_SEARCHES * needed <= room
  if (needed <= room) {
    const climb = 'cross-validation tries a part of the grid, point by point,'
    const cut = n <= RECIPE.wholeGridQueries && !wholeGrid ? `${climb} to stay within ${budget} s (--tune-budget)` : undefined
    return { sample, epochs: fixed.epochs, wholeGrid, cut }
  }

  const level =
    LEVELS.find(({ epochs, queries }) => needed * (fixed.epochs ? 1 : epochs) * queries <= room) ?? LEVELS[LEVELS.length - 1]
  const epochs = fixed.epochs ?? Math.ceil(asked.epochs * level.epochs)
  const queries = Math.max(Math.min(LEAST_QUERIES, n), Math.ceil(n * level.queries))
  const parts = [
    ...(epochs < asked.epochs ? [`${epochs} instead of ${asked.epochs} epochs`] : []),
    ...(queries < n ? [`${queries} instead of ${n} queries`] : []),
  ]
  const smaller = queries < n ? sampleDataset(sample, { queries, documents: RECIPE.tuneDocuments, seed }) : sample
  const left = needed * (fixed.epochs ? 1 : level.epochs) * level.queries
  const more = left > room ? `, and candidates are left out, since all would take about ${Math.ceil(left)} s,` : ''
  const cut =
    parts.length > 0 || more !== ''
      ? `cross-validation was cut${parts.length > 0 ? ` to ${parts.join(' and ')}` : ''}${more} to stay within ${budget} s (--tune-budget)`
      : undefined
  return { sample: smaller, epochs, cut, wholeGrid: false }
}

/**
 * Times a few epochs and returns the seconds of the fastest.
 * @param enough true if an epoch of that length leaves no doubt, so that no more need to be timed
 */
export async function epochSeconds(
  engine: Engine,
  data: EmbeddedDataset,
  options: TrainerOptions & { readonly epochs: number },
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

/** Estimates the speed-up of threads, each with a part of the cores: about half of the best case. */
export const speedUp = (threads: number): number => (1 + threads) / 2

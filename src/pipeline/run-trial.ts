import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import { describeDataset } from '../dataset/describe.js'
import { drawSample } from '../dataset/draw-sample.js'
import type { EmbedDatasetOptions } from '../embed/embed-dataset.js'
import { selectEngine } from '../engines/select.js'
import { type Interval, pairedBootstrap } from '../math/statistics/bootstrap.js'
import { mean, populationStandardDeviation } from '../math/statistics/moments.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { RECIPE } from '../train/recipe.js'
import type { FixedOptions } from '../train/tune/candidate.js'
import { createSearch } from '../train/tune/search.js'
import { embedParts, type PartCounts } from './embedded-parts.js'
import { TRIAL } from './trial-size.js'
import { truncateDocuments } from './truncate-documents.js'

/** Inverse temperature in units of the fitted one: the lower, which does less harm where there is little data. */
const MULTIPLE = RECIPE.multiples[RECIPE.multiples.length - 1]

export interface TrialOptions {
  readonly provider: EmbeddingProvider
  /** From {@link trialSample}. */
  readonly sample: QADataset
  readonly cache?: EmbeddingCache
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
  readonly signal?: AbortSignal
  /** Kind and size of the adapter. */
  readonly fixed?: FixedOptions
  readonly dimensionsOut?: number
}

export interface TrialReport {
  readonly base: { readonly id: string; readonly dimensions: number }
  readonly data: PartCounts
  readonly folds: number
  readonly metric: string
  /** Mean of the metric without an adapter, over the documents of the sample. */
  readonly score: number
  /** Out-of-fold change by the adapter, with its 95 % interval. */
  readonly gain: Interval
  /** Standard deviation of the change of a query. */
  readonly deviation: number
  readonly embedded: { readonly texts: number; readonly tokens: number }
  readonly seconds: { readonly embed: number; readonly train: number }
}

/** The queries and documents of a trial: a seeded sample of the training part. */
export function trialSample(train: QADataset): QADataset {
  return drawSample(train, TRIAL, TRAIN_DEFAULTS.seed)
}

/**
 * Tries one plain candidate of the recipe out of fold on a small sample: does an adapter learn anything from such data? Nothing is
 * chosen on the scores, so that the interval is that of one test.
 *
 * @throws USAGE when there are no more than `dimensionsOut` dimensions
 * @throws as `embedDataset` and `createSearch`
 */
export async function runTrial({ provider, sample, ...options }: TrialOptions): Promise<TrialReport> {
  const { seed, metric } = TRAIN_DEFAULTS
  const { cache, embed, signal, dimensionsOut } = options
  const times = [performance.now()]
  const whole = await embedParts(provider, { train: sample }, { cache, embed, signal })
  try {
    times.push(performance.now())
    const { train } = dimensionsOut === undefined ? whole : truncateDocuments(whole, dimensionsOut)
    const fixed = { ...options.fixed, negatives: RECIPE.negatives[0], pull: RECIPE.firstPull }
    const { engine } = await selectEngine('auto')
    try {
      const search = await createSearch(engine, train, { fixed, seed, metric, budget: TRIAL.budget, signal })
      try {
        const base = await search.base()
        const { scores } = await search.crossValidate({ ...search.first, multiple: MULTIPLE })
        const delta = scores.map((score, i) => score - base[i])
        times.push(performance.now())
        const { queries, pairs, documents } = describeDataset(sample)
        return {
          base: { id: provider.id, dimensions: train.queries.cols },
          data: { queries, pairs, documents },
          folds: new Set(search.folds).size,
          metric,
          score: mean(base),
          gain: pairedBootstrap(delta, { seed }),
          deviation: populationStandardDeviation(delta),
          embedded: { texts: whole.embedding?.misses ?? 0, tokens: whole.embedding?.tokens ?? 0 },
          seconds: { embed: (times[1] - times[0]) / 1000, train: (times[2] - times[1]) / 1000 },
        }
      } finally {
        await search.free()
      }
    } finally {
      engine.dispose()
    }
  } finally {
    whole.close?.()
  }
}

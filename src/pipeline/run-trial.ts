import type { QADataset } from '../dataset/dataset.js'
import { describeDataset } from '../dataset/describe.js'
import { drawSample } from '../dataset/draw-sample.js'
import { pseudoQueries } from '../dataset/pseudo-queries.js'
import { type DatasetSplit, PART_NAMES } from '../dataset/split.js'
import { withEngine } from '../engines/index.js'
import { pairedBootstrap } from '../math/statistics/bootstrap.js'
import { mean, populationStandardDeviation } from '../math/statistics/moments.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { type FixedOptions, TRAIN_DEFAULTS, TRAINING_OPTIONS } from '../train/options.js'
import { createSearch } from '../train/tune/search.js'
import { TRIAL, TUNE_BUDGET } from './defaults.js'
import { type EmbedSession, embedParts, truncateDocuments } from './embedded-parts.js'

const { negatives, pull, scale } = TRAINING_OPTIONS
/** Scale in units of the fitted one: the lower, which does less harm with little data. */
const MULTIPLE = scale.recipe.grid[1]

export interface TrialOptions extends Pick<EmbedSession, 'cache' | 'embed' | 'signal'> {
  readonly provider: EmbeddingProvider
  readonly sample: QADataset
  /** Kind and size of the adapter. */
  readonly fixed?: FixedOptions
  readonly dimensionsOut?: number
}

export type TrialReport = Awaited<ReturnType<typeof runTrial>>

/** Draws the queries and documents of a trial from the training set. */
export const trialSample = (train: QADataset): QADataset => drawSample(train, TRIAL, TRAIN_DEFAULTS.seed)

/** Cross-validates one plain candidate on a small sample; nothing is chosen, so the interval is that of one test. */
export async function runTrial({ provider, sample, dimensionsOut, ...options }: TrialOptions) {
  const { seed, metric } = TRAIN_DEFAULTS
  const { cache, embed, signal } = options
  const times = [performance.now()]
  const whole = await embedParts(provider, { train: sample }, { cache, embed, signal })
  try {
    times.push(performance.now())
    const { train } = dimensionsOut === undefined ? whole : truncateDocuments(whole, dimensionsOut)
    const fixed = { ...options.fixed, negatives: negatives.recipe.first, pull: pull.recipe.first }
    const { base, scores, folds } = await withEngine({}, async ({ engine }) => {
      const search = await createSearch(engine, train, { fixed, seed, metric, budget: TRIAL.budget, signal })
      try {
        const base = await search.base()
        const { scores } = await search.crossValidate({ ...search.first, multiple: MULTIPLE })
        return { base, scores, folds: search.parts.length }
      } finally {
        await search.free()
      }
    })
    const delta = scores.map((score, i) => score - base[i])
    times.push(performance.now())
    const { queries, pairs, documents } = describeDataset(sample)
    return {
      base: { id: provider.id, dimensions: train.queries.cols },
      data: { queries, pairs, documents },
      folds,
      metric,
      /** Mean of the metric without an adapter, over the documents of the sample. */
      score: mean(base),
      gain: pairedBootstrap(delta, { seed }),
      deviation: populationStandardDeviation(delta),
      embedded: { texts: whole.embedding?.misses ?? 0, tokens: whole.embedding?.tokens ?? 0 },
      seconds: { embed: (times[1] - times[0]) / 1000, train: (times[2] - times[1]) / 1000 },
    }
  } finally {
    whole.close?.()
  }
}

/** Whole cross-validations a search amounts to: it tries some 9 candidates, and gives up most on the first fold. */
const CANDIDATES = 5

/** Lists all that a training run embeds: its parts, and pseudo-queries for a small training set. */
export function embeddedSets(parts: DatasetSplit): QADataset[] {
  const pseudo = pseudoQueries(parts.train, TRAIN_DEFAULTS.seed)
  return [...PART_NAMES.flatMap(name => parts[name] ?? []), ...(pseudo ? [pseudo] : [])]
}

/** Seconds of a whole run; `train`: choosing options and training, for all folds. */
export type TimeEstimate = ReturnType<typeof estimateTime>

/** Estimates the time of a whole run by that of a trial; that of embedding only if the trial embedded a text. */
export function estimateTime(
  { data, folds, embedded, seconds }: TrialReport,
  { missing, queries, kFold = 0 }: { missing: number; queries: number; kFold?: number },
) {
  const search = seconds.train * (queries / data.queries)
  // Choosing stays within its budget; one training on all queries takes a little longer than a fold's.
  const once = Math.min(TUNE_BUDGET, search * CANDIDATES) + (search * 1.5) / folds
  const perText = embedded.texts === 0 ? undefined : seconds.embed / embedded.texts
  const embed = missing === 0 ? 0 : perText === undefined ? undefined : perText * missing
  return { embed, train: once * (1 + kFold) }
}

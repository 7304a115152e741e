import type { QADataset } from '../dataset/dataset.js'
import { pseudoQueries } from '../dataset/pseudo-queries.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { TUNE_BUDGET } from './defaults.js'
import { PART_NAMES } from './embedded-parts.js'
import type { Parts } from './load-parts.js'
import type { TrialReport } from './run-trial.js'

/** Whole cross-validations that a search comes to, about: it tries some 9 candidates, and gives up most on the first fold. */
const CANDIDATES = 5

/** All that a training run embeds: its parts, and first sentences as queries where there are few labelled ones. */
export function embeddedSets(parts: Parts): QADataset[] {
  const pseudo = pseudoQueries(parts.train, TRAIN_DEFAULTS.seed)
  return [...PART_NAMES.flatMap(name => parts[name] ?? []), ...(pseudo ? [pseudo] : [])]
}

/** Seconds of a whole run. */
export interface TimeEstimate {
  /** Absent where no text was embedded by which to tell. */
  readonly embed?: number
  /** Choosing options and training, for all folds. */
  readonly train: number
}

/**
 * What a whole run takes, about, by what a trial took.
 *
 * @param missing texts that it has to embed
 * @param queries labelled training queries
 * @param kFold folds of a cross-validation of the whole procedure
 */
export function estimateTime(
  { data, folds, embedded, seconds }: TrialReport,
  { missing, queries, kFold = 0 }: { missing: number; queries: number; kFold?: number },
): TimeEstimate {
  const search = seconds.train * (queries / data.queries)
  // Choosing stays within its budget; then comes one training on all queries, as long as a fold's and a bit.
  const once = Math.min(TUNE_BUDGET, search * CANDIDATES) + (search * 1.5) / folds
  const perText = embedded.texts === 0 ? undefined : seconds.embed / embedded.texts
  const embed = missing === 0 ? 0 : perText === undefined ? undefined : perText * missing
  return { embed, train: once * (1 + kFold) }
}

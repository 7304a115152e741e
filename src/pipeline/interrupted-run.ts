import type { Adapter } from '../adapters/adapter.js'
import { isNormalized } from '../math/is-normalized.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import type { TrainOptions, TrainResult } from '../train/train-adapter.js'
import { VERSION } from '../version.js'
import type { Choice } from './choose-options.js'
import type { EmbeddedParts } from './embedded-parts.js'
import type { EmbeddedTrainingReport, TrainedOnEmbedded } from './train-on-embedded.js'
import { foldCounts, recordedOptions, tuneReport } from './tune-report.js'

/** How far training was. */
export interface Interruption {
  /** Epochs that were done, of so many. */
  readonly afterEpoch: number
  readonly epochs: number
}

/** What of a run is known besides its training. */
export interface RunFacts extends Pick<EmbeddedTrainingReport, 'seconds' | 'warnings'> {
  readonly given: TrainOptions
  /** Why this engine. */
  readonly reason: string
}

/**
 * The adapter of a run that was stopped in training: the best so far, marked in `training.interrupted` and as not proven in
 * `training.gate`. A memory that was chosen is not part of it.
 */
export function interruptedRun(
  embedded: EmbeddedParts,
  trained: TrainResult,
  { tuned, final }: Choice,
  { given, reason, seconds, warnings }: RunFacts,
): TrainedOnEmbedded {
  const { train, counts } = embedded
  const dimensions = train.queries.cols
  const interrupted = { afterEpoch: trained.epochs.length, epochs: final.epochs ?? TRAIN_DEFAULTS.epochs }
  const why = `training was interrupted after epoch ${interrupted.afterEpoch} of ${interrupted.epochs}: nothing is proven`
  const adapter: Adapter = {
    kind: trained.kind,
    base: { id: embedded.baseId, dimensions, normalized: isNormalized(train.queries) && isNormalized(train.docs) },
    params: trained.weights,
    training: {
      tool: `adapter-train ${VERSION}`,
      date: new Date().toISOString(),
      data: { sha256: embedded.sha256, ...counts },
      options: {
        ...recordedOptions(final, given.kind),
        engine: trained.engine,
        bestEpoch: trained.bestEpoch,
        epochsRun: trained.epochs.length,
      },
      metrics: {},
      gate: { kept: true, passed: false, reason: why },
      interrupted,
    },
  }
  const report: EmbeddedTrainingReport = {
    kind: given.kind ?? TRAIN_DEFAULTS.kind,
    base: { id: embedded.baseId, dimensions },
    data: { train: counts.train, ...(tuned && { validation: foldCounts(tuned) }), ...counts },
    tune: tuned && tuneReport(tuned, embedded.pseudo?.queries.rows),
    interrupted,
    epochs: trained.epochs,
    bestEpoch: trained.bestEpoch,
    engine: trained.engine,
    engineDescription: trained.engineDescription,
    engineReason: reason,
    seconds,
    warnings,
  }
  return { adapter, report }
}

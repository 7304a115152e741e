import type { Adapter } from '../adapters/adapter.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import type { TrainResult } from '../train/train-adapter.js'
import type { Choice } from './choose-options.js'
import type { EmbeddedParts } from './embedded-parts.js'
import { adapterBase, adapterOrigin, type RunFacts, trainedReport } from './embedded-training-report.js'
import type { TrainedOnEmbedded } from './train-on-embedded.js'
import { recordedOptions } from './tune-report.js'

/** How far training was. */
export interface Interruption {
  /** Epochs that were done, of so many. */
  readonly afterEpoch: number
  readonly epochs: number
}

/**
 * The adapter of a run that was stopped in training: the best so far, marked in `training.interrupted` and as not proven in
 * `training.gate`. A memory that was chosen is not part of it.
 */
export function interruptedRun(
  embedded: EmbeddedParts,
  trained: TrainResult,
  choice: Choice,
  facts: RunFacts,
): TrainedOnEmbedded {
  const { final } = choice
  const interrupted = { afterEpoch: trained.epochs.length, epochs: final.epochs ?? TRAIN_DEFAULTS.epochs }
  const why = `training was interrupted after epoch ${interrupted.afterEpoch} of ${interrupted.epochs}: nothing is proven`
  const adapter: Adapter = {
    kind: trained.kind,
    base: adapterBase(embedded),
    params: trained.weights,
    training: {
      ...adapterOrigin(embedded),
      options: {
        ...recordedOptions(final, facts.given.kind),
        engine: trained.engine,
        bestEpoch: trained.bestEpoch,
        epochsRun: trained.epochs.length,
      },
      metrics: {},
      gate: { kept: true, passed: false, reason: why },
      interrupted,
    },
  }
  const { kind, base, data, tune, ...rest } = trainedReport(embedded, trained, choice, facts)
  return { adapter, report: { ...{ kind, base, data, tune }, interrupted, ...rest } }
}

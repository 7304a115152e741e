import type { RunIdentity } from '../train/checkpoint.js'
import { VERSION } from '../version.js'
import { plainOptions } from './choose-once.js'
import { TUNE_BUDGET, TUNE_DEFAULT } from './defaults.js'
import type { EmbeddedParts } from './embedded-parts.js'
import type { TrainOnEmbeddedOptions } from './train-on-embedded.js'

/** Options that change where or how something is computed, but not what comes out; the engine is checked by itself. */
const WITHOUT_EFFECT = ['device', 'engine', 'memory']

/** What has to be the same for two runs to give the same adapter, as far as it can be known before they start. */
export function runIdentity(
  embedded: EmbeddedParts,
  options: Omit<TrainOnEmbeddedOptions, 'checkpoint' | 'log'> & { readonly kFold?: number; readonly splitBy?: string },
): RunIdentity {
  const { tune = TUNE_DEFAULT, tuneBudget = TUNE_BUDGET, gate, minGain, kFold, splitBy } = options
  const training = Object.entries(plainOptions(options.train ?? {})).filter(([name]) => !WITHOUT_EFFECT.includes(name))
  return {
    ...Object.fromEntries(training),
    ...{ tune, tuneBudget, gate, minGain, kFold, splitBy: kFold && splitBy },
    release: VERSION,
    base: embedded.baseId,
    dimensions: embedded.train.queries.cols,
    dimensionsOut: embedded.train.docs.cols,
    data: embedded.sha256,
    pseudoQueries: embedded.pseudo?.queries.rows,
  }
}

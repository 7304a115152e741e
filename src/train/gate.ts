import { signed } from '../math/signed.js'
import { bootstrapP } from '../math/statistics/bootstrap.js'
import { mean } from '../math/statistics/moments.js'
import { realityCheckP } from '../math/statistics/reality-check.js'
import { RECIPE } from './recipe.js'

/** The metric of every query, for the base and for the adapter. */
export interface PairedScores {
  readonly base: Float64Array
  readonly adapted: Float64Array
}

/** Out-of-fold scores, with those of the candidates that were not chosen: the best of several gains by chance alone. */
export interface OutOfFoldScores extends PairedScores {
  readonly others?: readonly Float64Array[]
}

export interface GateOptions {
  /** Name of the metric, for the reason. */
  readonly metric: string
  /** The least mean out-of-fold gain. Default 0. */
  readonly minGain?: number
  /** With `false` an adapter that fails is kept all the same, and marked. Default true. */
  readonly enabled?: boolean
  readonly seed: number
}

/** Whether an adapter may be shipped. */
export interface GateResult {
  /** Whether the trained weights were kept; otherwise the identity map takes their place. */
  readonly kept: boolean
  /** Whether the adapter is proven; kept without that only when the gate is switched off. */
  readonly passed: boolean
  /** One sentence. */
  readonly reason: string
  /** Bootstrap p of the out-of-fold gain, allowing for the choice among several candidates. */
  readonly p: number
  /** Mean out-of-fold gain. */
  readonly gain: number
}

/**
 * Decides by what is known without the test set: the out-of-fold gain has to be above noise (and `minGain`), and a validation set
 * must not show a loss above noise.
 *
 * @param outOfFold scores of training queries by adapters that were trained without them
 * @param validation scores on a validation set of the user's
 */
export function gate(
  outOfFold: OutOfFoldScores,
  validation: PairedScores | undefined,
  options: GateOptions,
): GateResult {
  const { metric, minGain = 0, enabled = true, seed } = options
  const { base, others = [] } = outOfFold
  const delta = difference(outOfFold)
  const gain = delta.length > 0 ? mean(delta) : 0
  const deltas = [delta, ...others.map(adapted => difference({ base, adapted }))]
  const p = realityCheckP(deltas, { samples: RECIPE.gateSamples, seed })
  const found = `out-of-fold ${metric} changes by ${signed(gain)} (p ${p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`})`
  const failure = failureOf()
  const passed = failure === undefined
  const reason = passed
    ? `${found}: proven`
    : `${failure}${enabled ? '; the identity map was saved instead (--no-gate keeps the adapter)' : '; kept because the gate is switched off'}`
  return { kept: passed || !enabled, passed, reason, p, gain }

  function failureOf(): string | undefined {
    if (p >= RECIPE.gateP || gain <= 0) return `${found}: the adapter cannot be told from the base`
    if (gain < minGain) return `${found}: less than the asked ${minGain}`
    if (!validation) return undefined
    const onValidation = difference(validation)
    const loss = onValidation.map(value => -value)
    const worse = mean(onValidation) < 0 && bootstrapP(loss, { samples: RECIPE.gateSamples, seed }) < RECIPE.gateP
    return worse
      ? `on the validation set ${metric} changes by ${signed(mean(onValidation))}, which is more than noise`
      : undefined
  }
}

function difference({ base, adapted }: PairedScores): Float64Array {
  return adapted.map((value, i) => value - base[i])
}

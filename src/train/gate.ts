import { bootstrapP, realityCheck } from '../math/statistics/bootstrap.js'
import { mean, standardError } from '../math/statistics/moments.js'
import { pText, signed } from '../words.js'
import { RECIPE } from './recipe.js'

/** Metric of every query with and without the adapter. */
export type PairedScores = { readonly base: Float64Array; readonly adapted: Float64Array }

/** Out-of-fold scores, with those of the other points: the best of several gains by chance alone. */
export interface OutOfFoldScores extends PairedScores {
  readonly others?: readonly Float64Array[]
}

export interface GateOptions {
  readonly metric: string
  /** Smallest mean out-of-fold gain to pass. Default 0. */
  readonly minGain?: number
  /** If false, a rejected adapter is kept and marked. Default true. */
  readonly enabled?: boolean
  readonly seed: number
}

/** Verdict of the gate. */
export interface GateResult {
  /** True if the trained weights were kept; otherwise the identity map replaces them. */
  readonly kept: boolean
  /** True if the gain is significant. */
  readonly passed: boolean
  /** One sentence. */
  readonly reason: string
  /** Bootstrap p-value of the out-of-fold gain, corrected for the choice among several points. */
  readonly p: number
  /** Mean out-of-fold gain. */
  readonly gain: number
  /** Of a gain that is not significant: the smallest that would have been with these labels. */
  readonly provable?: number
  /** Of such a gain above 0: further labels with which one like it would be significant in 4 of 5 cases, about. */
  readonly moreLabels?: number
}

/** Labels above which a number is of no use. */
const MOST_LABELS = 1e6
/** Quantile of the normal distribution at 0.8. */
const POWER = 0.8416

/**
 * Decides without the test split: the out-of-fold gain has to be significant and reach `minGain`, and the validation split must not
 * show a significant loss.
 * @param outOfFold scores of training queries by adapters trained without them
 */
export function gate(outOfFold: OutOfFoldScores, validation: PairedScores | undefined, options: GateOptions): GateResult {
  const { metric, minGain = 0, enabled = true, seed } = options
  const { base, others = [] } = outOfFold
  const delta = difference(outOfFold)
  const gain = delta.length > 0 ? mean(delta) : 0
  const deltas = [delta, ...others.map(adapted => difference({ base, adapted }))]
  const { p, ...checked } = realityCheck(deltas, RECIPE.gateP, { samples: RECIPE.gateSamples, seed })
  const doubtful = p >= RECIPE.gateP || gain <= 0
  const power = doubtful && checked.provable !== undefined ? powerOf(delta, gain, checked.provable) : undefined
  const found = `out-of-fold ${metric} ${signed(gain)} (${pText(p)})`
  const failure = failureOf()
  const passed = failure === undefined
  const reason = passed
    ? `${found}, significant`
    : `${failure}; ${enabled ? 'the adapter is rejected (--no-gate saves it)' : 'kept because the gate is off'}`
  return { kept: passed || !enabled, passed, reason, p, gain, ...power }

  function failureOf(): string | undefined {
    if (doubtful) return `${found}, not significant${power ? ` (${powerText(delta.length, power)})` : ''}`
    if (gain < minGain) return `${found}, below the minimum of ${minGain} (--min-gain)`
    if (!validation) return undefined
    const onValidation = difference(validation)
    const loss = onValidation.map(value => -value)
    const worse = mean(onValidation) < 0 && bootstrapP(loss, { samples: RECIPE.gateSamples, seed }) < RECIPE.gateP
    return worse ? `validation split: ${metric} ${signed(mean(onValidation))}, a significant loss` : undefined
  }
}

/** Finds what labels could prove, and how many more a gain takes; the bar falls with the root of their number. */
export function powerOf(delta: Float64Array, gain: number, provable: number): Pick<GateResult, 'provable' | 'moreLabels'> {
  const n = delta.length
  const needed = gain > 0 ? n * ((provable + POWER * standardError(delta)) / gain) ** 2 : Number.POSITIVE_INFINITY
  return { provable, ...(needed < MOST_LABELS && { moreLabels: Math.max(1, Math.ceil(needed - n)) }) }
}

/** Says it in words. */
export function powerText(labels: number, { provable, moreLabels }: Pick<GateResult, 'provable' | 'moreLabels'>) {
  const rounded = moreLabels && Number(moreLabels.toPrecision(2))
  const more = rounded ? `; about ${rounded} more labels would prove a gain like this one in 4 of 5 cases` : ''
  return `${labels} queries prove gains from ${signed(provable!)}${more}`
}

const difference = ({ base, adapted }: PairedScores): Float64Array => adapted.map((value, i) => value - base[i])

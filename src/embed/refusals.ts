import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { optionWord } from '../words.js'
import { type Label, othersText, preview } from './check.js'
import type { EmbedStats } from './stats.js'

/** Text that the model refuses, or whose vector cannot be used. */
export interface Refusal {
  readonly role: Role
  readonly index: number
  readonly text: string
  /** Name and first words. */
  readonly name: string
  readonly error: AdapterTrainError
  readonly reason: string
}

/** Texts without vectors, after all others have been embedded. */
export class RefusedTexts extends AdapterTrainError {
  readonly refusals: readonly Refusal[]
  readonly stats: EmbedStats | undefined

  constructor(providerId: string, refusals: readonly Refusal[], stats?: EmbedStats) {
    const [{ name, reason, error }] = refusals
    const names = refusals.map(other => other.name)
    super(
      error.code,
      `${providerId} cannot embed ${name}: ${reason}${othersText(names)}. Mend or remove it, or go on without it ` +
        `(${optionWord('skipRefused')}); a cache keeps the vectors of the others`,
      { cause: error, details: { ...error.details, count: names.length, texts: names.slice(0, 20) } },
    )
    this.refusals = refusals
    this.stats = stats
  }
}

/** Describes a refusal. @param reason what is wrong with its vector; default the message of the error */
export function refusalOf(
  role: Role,
  index: number,
  text: string,
  label: Label,
  error: AdapterTrainError,
  reason = error.message,
): Refusal {
  return { role, index, text, name: `${label(index)} (${preview(text)})`, error, reason }
}

/** True for an error that one text, or the number of texts, may have caused. */
export function isRefusal(error: unknown): error is AdapterTrainError {
  if (isAdapterTrainError(error, 'PROVIDER_RESPONSE')) return error.details.notFinite === true
  if (!isAdapterTrainError(error, 'PROVIDER_REQUEST')) return false
  const { status, retryAfterMs } = error.details
  // A gateway whose model crashes on a text answers 502 or 503; one that names a wait is busy.
  return [400, 413, 422, 500, ...(retryAfterMs === undefined ? [502, 503] : [])].includes(status as number)
}

// By the limits, which a wrapper of a provider shares with it.
const learned = new WeakMap<EmbeddingProvider['limits'], number>()

/** Most texts per request: the provider's own limit, or a lower one found out by refusal. */
export function mostInputs(provider: EmbeddingProvider): number {
  return Math.min(learned.get(provider.limits) ?? Number.POSITIVE_INFINITY, provider.limits.maxInputs)
}

/** Remembers a limit for as long as the provider is used. */
export function learnMostInputs(provider: EmbeddingProvider, most: number): void {
  learned.set(provider.limits, Math.min(mostInputs(provider), most))
}

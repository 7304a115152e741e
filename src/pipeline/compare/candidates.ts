import type { Adapter } from '../../adapters/adapter.js'
import { AdapterTrainError, isAdapterTrainError } from '../../errors.js'
import type { Rows } from '../../math/row-source.js'
import { mean } from '../../math/statistics/moments.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import type { VectorDataset } from '../../vectors/vector-dataset.js'
import { checkBase } from '../../wrap/check-base.js'

/** Vectors that were made elsewhere, with the name of their folder for messages. */
export type NamedVectors = VectorDataset<Rows> & { readonly name: string }

/** A base model (a provider, or vectors that were made elsewhere), alone or with an adapter on its queries. */
export interface Candidate {
  /** As it is shown; no two of a comparison have the same. */
  readonly name: string
  readonly adapter?: Adapter
  readonly provider?: EmbeddingProvider
  /** Where there is no provider. */
  readonly vectors?: NamedVectors
}

/** Candidates whose queries and documents have the same vectors before the adapter. */
export type EmbeddedBase = { readonly candidates: readonly Candidate[] } & (
  | { readonly provider: EmbeddingProvider; readonly vectors?: undefined }
  | { readonly provider?: undefined; readonly vectors: NamedVectors }
)

/**
 * Checks all that can be wrong with candidates before anything is embedded.
 * @throws USAGE when there is none, two have one name or are the same, or one has no vectors
 * @throws ADAPTER_MISMATCH when an adapter is not of its candidate's base
 */
export function checkCandidates(candidates: readonly Candidate[], allowMismatch?: boolean): void {
  if (candidates.length === 0) {
    throw new AdapterTrainError('USAGE', 'there is nothing to compare; give at least one candidate')
  }
  for (const [i, candidate] of candidates.entries()) {
    const { name, adapter, provider, vectors } = candidate
    if (!provider === !vectors) {
      throw new AdapterTrainError('USAGE', `candidate "${name}" needs either a provider or vectors`)
    }
    for (const other of candidates.slice(0, i)) {
      if (other.name === name) {
        throw new AdapterTrainError('USAGE', `two candidates are named "${name}"; give each a name of its own`)
      }
      if (baseKey(other) === baseKey(candidate) && other.adapter === adapter) {
        throw new AdapterTrainError(
          'USAGE',
          `candidates "${other.name}" and "${name}" are the same base ${adapter ? 'with the same adapter' : 'without an adapter'}; drop one`,
        )
      }
    }
    checkAdapter(candidate, provider ?? { id: vectors!.baseId, dimensions: vectors!.queries.cols }, allowMismatch)
  }
}

/**
 * Refuses an adapter that is not of its candidate's base, as far as that is known; the dimensions have to fit in any case.
 * @throws ADAPTER_MISMATCH with the name of the candidate
 */
export function checkAdapter(
  { name, adapter }: Candidate,
  { id, dimensions }: { readonly id: string; readonly dimensions?: number },
  allowMismatch = false,
): void {
  if (!adapter) return
  const expected = adapter.base.dimensions
  if (allowMismatch && dimensions !== undefined && dimensions !== expected) {
    const problem = `the adapter takes vectors of ${expected} dimensions, but "${id}" gives ${dimensions}`
    throw new AdapterTrainError('ADAPTER_MISMATCH', `candidate "${name}": ${problem}`)
  }
  try {
    checkBase(adapter, { id, dimensions }, allowMismatch)
  } catch (error) {
    if (!isAdapterTrainError(error)) throw error
    const { code, message, details } = error
    throw new AdapterTrainError(code, `candidate "${name}": ${message}`, { cause: error, details })
  }
}

/** What names the vectors of a candidate's queries and documents in the cache, or the vectors themselves. */
function baseKey({ provider, vectors }: Candidate): string | object {
  return provider ? JSON.stringify([provider.cacheKey('query'), provider.cacheKey('document')]) : vectors!
}

/** Puts candidates together whose texts have the same vectors, by what names them in the cache. */
export function groupByBase(candidates: readonly Candidate[]): EmbeddedBase[] {
  const groups = new Map<string | object, Candidate[]>()
  for (const candidate of candidates) {
    const key = baseKey(candidate)
    groups.set(key, [...(groups.get(key) ?? []), candidate])
  }
  return [...groups.values()].map(group => {
    const { provider, vectors } = group[0]
    return provider ? { candidates: group, provider } : { candidates: group, vectors: vectors! }
  })
}

/** US dollars for a million queries as long as these are on average; `null` where price or texts are not known. */
export function costPerMillion(
  provider: EmbeddingProvider | undefined,
  texts: readonly (string | undefined)[] | undefined,
): number | null {
  if (provider?.price === undefined || !texts) return null
  return provider.price * mean(texts.map(text => provider.countTokens(text ?? '')))
}

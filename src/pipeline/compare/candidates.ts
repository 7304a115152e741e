import type { Adapter } from '../../adapters/adapter.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { costOfTexts } from '../../embed/estimate.js'
import { AdapterTrainError, isAdapterTrainError, usageError } from '../../errors.js'
import type { Run } from '../../evaluate/trec-run.js'
import { getOrInsert } from '../../maps.js'
import type { Rows } from '../../math/row-source.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { checkBase, type KnownModel, refuseBridge } from '../../wrap/adapter-source.js'

/** Vectors of your own, with the name of their folder for messages. */
export type NamedVectors = EmbeddedDataset<Rows> & { readonly name: string }

/** Base model (a provider, or vectors of your own), alone or with an adapter. */
export interface CompareCandidate {
  /** Distinct within a comparison. */
  readonly name: string
  readonly adapter?: Adapter
  readonly provider?: EmbeddingProvider
  /** Instead of a provider. */
  readonly vectors?: NamedVectors
}

/** Rankings of any system, judged as they stand. */
export interface CompareRun {
  /** Distinct within a comparison. */
  readonly name: string
  readonly run: Run
}

/** Candidates whose texts have the same vectors before the adapter. */
export type EmbeddedBase = { readonly candidates: readonly CompareCandidate[] } & (
  | { readonly provider: EmbeddingProvider; readonly vectors?: undefined }
  | { readonly provider?: undefined; readonly vectors: NamedVectors }
)

/** Checks candidates before anything is embedded. */
export function checkCandidates(
  candidates: readonly CompareCandidate[],
  allowMismatch?: boolean,
  runs: readonly CompareRun[] = [],
): void {
  const names = [...candidates, ...runs].map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw usageError(`two candidates are named "${twice}"; give each a name of its own`)
  if (candidates.length === 0 && runs.length === 0) throw usageError('there is nothing to compare; give at least one candidate')
  for (const [i, candidate] of candidates.entries()) {
    const { name, adapter, provider, vectors } = candidate
    if (!provider === !vectors) throw usageError(`candidate "${name}" needs either a provider or vectors`)
    for (const other of candidates.slice(0, i)) {
      if (baseKey(other) === baseKey(candidate) && other.adapter === adapter) {
        throw usageError(
          `candidates "${other.name}" and "${name}" are the same base ${adapter ? 'with the same adapter' : 'without an adapter'}; drop one`,
        )
      }
    }
    checkAdapter(candidate, provider ?? { id: vectors!.baseId, dimensions: vectors!.queries.cols }, allowMismatch)
  }
}

/** Refuses an adapter that is known not to be of its candidate's base; its dimensions must fit in any case. */
export function checkAdapter(
  { name, adapter }: CompareCandidate,
  model: KnownModel & { readonly id: string },
  allowMismatch = false,
): void {
  if (!adapter) return
  const { id, dimensions } = model
  const expected = adapter.base.dimensions
  if (allowMismatch && dimensions !== undefined && dimensions !== expected) {
    const problem = `the adapter takes vectors of ${expected} dimensions, but "${id}" gives ${dimensions}`
    throw new AdapterTrainError('ADAPTER_MISMATCH', `candidate "${name}": ${problem}`)
  }
  try {
    checkBase(adapter, model, allowMismatch)
    refuseBridge(adapter)
  } catch (error) {
    if (!isAdapterTrainError(error)) throw error
    const { code, message, details } = error
    throw new AdapterTrainError(code, `candidate "${name}": ${message}`, { cause: error, details })
  }
}

function baseKey({ provider, vectors }: CompareCandidate): string | object {
  return provider ? JSON.stringify([provider.cacheKey('query'), provider.cacheKey('document')]) : vectors!
}

/** Groups candidates whose texts have the same vectors. */
export function groupByBase(candidates: readonly CompareCandidate[]): EmbeddedBase[] {
  const groups = new Map<string | object, CompareCandidate[]>()
  for (const candidate of candidates) {
    getOrInsert(groups, baseKey(candidate), () => []).push(candidate)
  }
  return [...groups.values()].map(group => {
    const { provider, vectors } = group[0]
    return provider ? { candidates: group, provider } : { candidates: group, vectors: vectors! }
  })
}

/** Computes US dollars for a million queries of the average length; `null` if price or texts are not known. */
export function costPerMillion(
  provider: EmbeddingProvider | undefined,
  texts: readonly (string | undefined)[] | undefined,
): number | null {
  if (!provider || !texts) return null
  const queries = texts.map(text => text ?? '')
  const { cost = null } = costOfTexts(provider, queries)
  return cost && (cost / texts.length) * 1e6
}

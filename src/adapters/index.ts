import { AdapterTrainError } from '../errors.js'
import { CLOSED_FORMS } from './closed-forms/index.js'
import { diagonal } from './diagonal.js'
import type { AdapterKind } from './kind.js'
import { linear } from './linear.js'
import { lowRank } from './low-rank.js'
import { residualMlp } from './residual-mlp.js'

/** Every kind of map. A new kind is one file and one entry here. */
const KINDS = { linear, 'low-rank': lowRank, diagonal, 'residual-mlp': residualMlp } satisfies Record<
  string,
  AdapterKind
>

export type MapKindName = keyof typeof KINDS

/** The kinds of map that an adapter file may hold. */
export const MAP_KIND_NAMES = Object.keys(KINDS) as MapKindName[]

export type AdapterKindName = MapKindName | keyof typeof CLOSED_FORMS

/** What training chooses from: the kinds of map, trained step by step, and the closed forms, which give one of these. */
export const ADAPTER_KIND_NAMES: readonly AdapterKindName[] = /* @__PURE__ */ allKindNames()

/** Marked as pure above, so that a bundle that only applies adapters leaves the closed forms out. */
function allKindNames(): AdapterKindName[] {
  return [...MAP_KIND_NAMES, ...(Object.keys(CLOSED_FORMS) as (keyof typeof CLOSED_FORMS)[])]
}

/**
 * @param where the file that names the kind, for the message
 * @throws ADAPTER_FORMAT when there is no such kind of map
 */
export function adapterKind(name: string, where?: string): AdapterKind {
  if (!Object.hasOwn(KINDS, name)) {
    throw new AdapterTrainError(
      'ADAPTER_FORMAT',
      `${where === undefined ? '' : `${where}: `}there is no adapter kind "${name}"; expected one of ${MAP_KIND_NAMES.join(', ')}; a newer release of adapter-train may know it`,
      { details: { kind: name } },
    )
  }
  return KINDS[name as MapKindName]
}

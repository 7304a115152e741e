import { AdapterTrainError } from '../errors.js'
import { CLOSED_FORMS } from './closed-forms/index.js'
import { diagonal } from './diagonal.js'
import type { AdapterKind, AdapterMap } from './kind.js'
import { linear } from './linear.js'
import { linearMemory } from './linear-memory.js'
import { lowRank } from './low-rank.js'
import { residualMlp } from './residual-mlp.js'

/** Every kind of map that is trained step by step. A new kind is one file and one entry here. */
const KINDS = {
  linear,
  'low-rank': lowRank,
  diagonal,
  'residual-mlp': residualMlp,
} satisfies Record<string, AdapterKind>

/** Maps that are put together from a trained linear one. A new one is one file and one entry here. */
const FITTED = { 'linear-memory': linearMemory } satisfies Record<string, AdapterMap>

/** Every kind of map that an adapter file may hold. */
const MAPS: Readonly<Record<string, AdapterMap>> = { ...KINDS, ...FITTED }

export type MapKindName = keyof typeof KINDS

/** The kinds of map that are trained step by step. */
export const MAP_KIND_NAMES = /* @__PURE__ */ Object.keys(KINDS) as MapKindName[]

export type AdapterKindName = MapKindName | keyof typeof CLOSED_FORMS | keyof typeof FITTED

/** What training chooses from: maps trained step by step, closed forms, which give one of these, and what is put on top of one. */
export const ADAPTER_KIND_NAMES: readonly AdapterKindName[] = /* @__PURE__ */ allKindNames()

/** Marked as pure above, so that a bundle that only applies adapters leaves the closed forms out. */
function allKindNames(): AdapterKindName[] {
  return [
    ...MAP_KIND_NAMES,
    ...(Object.keys(CLOSED_FORMS) as (keyof typeof CLOSED_FORMS)[]),
    ...(Object.keys(FITTED) as (keyof typeof FITTED)[]),
  ]
}

/**
 * A kind of map that an adapter file may hold.
 * @param where the file that names the kind, for the message
 * @throws ADAPTER_FORMAT when there is no such kind of map
 */
export function adapterMap(name: string, where?: string): AdapterMap {
  return find(MAPS, name, where)
}

/**
 * A kind of map that is trained step by step.
 * @throws ADAPTER_FORMAT when there is no such kind
 */
export function adapterKind(name: string): AdapterKind {
  return find<AdapterKind>(KINDS, name)
}

/**
 * What is trained where `name` is asked for: closed forms and what is put on top of a linear map have one of these.
 * @throws ADAPTER_FORMAT when there is no such kind
 */
export function trainedKind(name: string): AdapterKind {
  return adapterKind(Object.hasOwn(CLOSED_FORMS, name) || Object.hasOwn(FITTED, name) ? 'linear' : name)
}

function find<T>(kinds: Readonly<Record<string, T>>, name: string, where?: string): T {
  if (Object.hasOwn(kinds, name)) return kinds[name]
  throw new AdapterTrainError(
    'ADAPTER_FORMAT',
    `${where === undefined ? '' : `${where}: `}there is no adapter kind "${name}"; expected one of ${Object.keys(kinds).join(', ')}; a newer release of adapter-train may know it`,
    { details: { kind: name } },
  )
}

import { AdapterTrainError } from '../errors.js'
import { CLOSED_FORMS } from './closed-forms/index.js'
import { diagonal } from './diagonal.js'
import type { AdapterKind, AdapterMap } from './kind.js'
import { linear } from './linear.js'
import { linearMemory } from './linear-memory.js'
import { lowRank } from './low-rank.js'
import { residualMlp } from './residual-mlp.js'

/** Adapter kinds trained step by step. A new kind is one file and one entry here. */
const KINDS = {
  linear,
  'low-rank': lowRank,
  diagonal,
  'residual-mlp': residualMlp,
} satisfies Record<string, AdapterKind>

/** Kinds built from a trained linear one. A new one is one file and one entry here. */
const FITTED = { 'linear-memory': linearMemory } satisfies Record<string, AdapterMap>
const MAPS: Readonly<Record<string, AdapterMap>> = { ...KINDS, ...FITTED }
/** Kinds that an adapter file may hold. */
export const FILE_KIND_NAMES: readonly string[] = /* @__PURE__ */ Object.keys(MAPS)

type MapKindName = keyof typeof KINDS

/** Kinds trained step by step. */
export const MAP_KIND_NAMES = /* @__PURE__ */ Object.keys(KINDS) as MapKindName[]

export type AdapterKindName = MapKindName | keyof typeof CLOSED_FORMS | keyof typeof FITTED

/** Choices of `--kind`: kinds trained step by step, closed forms, and kinds built from a linear one. */
export const ADAPTER_KIND_NAMES: readonly AdapterKindName[] = /* @__PURE__ */ allKindNames()

/** Marked as pure above, so that a bundle that only applies adapters leaves the closed forms out. */
function allKindNames(): AdapterKindName[] {
  return [...MAP_KIND_NAMES, ...Object.keys(CLOSED_FORMS), ...Object.keys(FITTED)] as AdapterKindName[]
}

/** Finds a kind of map that an adapter file may hold. `where`: the file that names the kind, for the message. */
export const adapterMap = (name: string, where?: string): AdapterMap => find(MAPS, name, where)

/** Finds a kind that is trained step by step. @throws ADAPTER_FORMAT if it does not exist */
export const adapterKind = (name: string): AdapterKind => find<AdapterKind>(KINDS, name)

/** Finds the kind that is trained when `name` is chosen: closed forms and kinds built from a linear one train `linear`. */
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

import { AdapterTrainError } from '../errors.js'
import type { AdapterKind } from './kind.js'
import { linear } from './linear.js'

/** Every adapter kind. A new kind is one file and one entry here. */
const KINDS = { linear } satisfies Record<string, AdapterKind>

export type AdapterKindName = keyof typeof KINDS

export const ADAPTER_KIND_NAMES = Object.keys(KINDS) as AdapterKindName[]

/**
 * @param where the file that names the kind, for the message
 * @throws ADAPTER_FORMAT when there is no such kind
 */
export function adapterKind(name: string, where?: string): AdapterKind {
  if (!Object.hasOwn(KINDS, name)) {
    throw new AdapterTrainError(
      'ADAPTER_FORMAT',
      `${where === undefined ? '' : `${where}: `}there is no adapter kind "${name}"; expected one of ${ADAPTER_KIND_NAMES.join(', ')}; a newer release of adapter-train may know it`,
      { details: { kind: name } },
    )
  }
  return KINDS[name as AdapterKindName]
}

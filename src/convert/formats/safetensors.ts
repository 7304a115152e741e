import { hash } from 'node:crypto'
import { checkSafetensors } from '../../adapters/check-safetensors.js'
import {
  decodeSafetensors,
  encodeSafetensors,
  looksLikeSafetensors,
  readSafetensorsAdapter,
  tensorOf,
} from '../../adapters/safetensors.js'
import { checkSha256, mapValues } from '../../adapters/stored-adapter.js'
import type { Matrix } from '../../math/matrix.js'
import { factsOf } from '../facts.js'
import type { Format } from '../format.js'
import { paramsOfModule, readStrided, STORAGES } from '../torch/state-dict.js'

/** One binary file, the facts of the adapter in its metadata. The runtime for browsers reads it too. */
export const safetensors: Format = {
  types: ['F32', 'F16'],
  ending: '.safetensors',
  encode(adapter, type) {
    const tensors = mapValues(adapter.params, (m, name) => tensorOf(name, m, type))
    const { format, kind, ...facts } = factsOf(adapter)
    const metadata = {
      format: String(format),
      kind: String(kind),
      ...mapValues(facts, value => JSON.stringify(value)),
      sha256: JSON.stringify(mapValues(tensors, ({ bytes }) => hash('sha256', bytes))),
    }
    return encodeSafetensors({ tensors, metadata })
  },
  matches: ({ names, read }) => names === undefined && looksLikeSafetensors(read()),
  decode({ path, read }) {
    checkSafetensors(read(), path)
    if (!decodeSafetensors(read(), path).metadata.format?.startsWith('adapter-train/'))
      return { params: paramsOfModule(readModuleTensors(read(), path), path) }
    const { facts, params, stored } = readSafetensorsAdapter(read(), path)
    for (const part of stored) checkSha256(part, hash('sha256', part.bytes))
    return { params, facts }
  },
}

/** Reads the tensors of a file that another program wrote, of any floating-point type, as matrices by name. */
export function readModuleTensors(file: Uint8Array, where: string): Map<string, Matrix> {
  checkSafetensors(file, where)
  const { tensors } = decodeSafetensors(file, where)
  return new Map(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
      const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1))
      const storage = STORAGES[dtype] ?? dtype
      return [name, readStrided({ storage, offset: 0, shape, strides }, bytes, `${where}: tensor "${name}"`)]
    }),
  )
}

import { createHash } from 'node:crypto'
import { encodeTensor, tensorShape } from '../../adapters/encode-tensor.js'
import { decodeSafetensors, encodeSafetensors, looksLikeSafetensors } from '../../adapters/safetensors.js'
import { readSafetensorsAdapter } from '../../adapters/safetensors-adapter.js'
import { ADAPTER_FORMAT, checkSha256, mapValues } from '../../adapters/stored-adapter.js'
import type { Matrix } from '../../math/matrix.js'
import { checkLayout } from '../check-layout.js'
import { completeAdapter, factsOf } from '../facts.js'
import type { Format } from '../format.js'
import { paramsOfModule } from '../torch/state-dict.js'
import { readStrided, STORAGES } from '../torch/strided.js'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** One binary file, with what the adapter file says in its metadata. The runtime for browsers reads it as well. */
export const safetensors: Format = {
  description: 'one binary file with metadata, for Python, Rust and the runtime',
  types: ['F32', 'F16'],
  ending: '.safetensors',
  encode(adapter, type) {
    const tensors = mapValues(adapter.params, (m, name) => ({
      dtype: type,
      shape: tensorShape(m),
      bytes: encodeTensor(name, m, type),
    }))
    const { format, kind, ...facts } = factsOf(adapter)
    const metadata = {
      format: String(format),
      kind: String(kind),
      ...mapValues(facts, value => JSON.stringify(value)),
      sha256: JSON.stringify(mapValues(tensors, ({ bytes }) => sha256(bytes))),
    }
    return encodeSafetensors({ tensors, metadata })
  },
  matches: ({ names, read }) => names === undefined && looksLikeSafetensors(read()),
  decode({ path, read }, given) {
    const { tensors, metadata } = decodeSafetensors(read(), path)
    checkLayout(read(), path)
    if (metadata.format === ADAPTER_FORMAT) {
      const { facts, params, stored } = readSafetensorsAdapter(read(), path)
      for (const part of stored) checkSha256(part, sha256(part.bytes))
      return completeAdapter(params, facts, given, path)
    }
    const matrices = readModuleTensors(tensors, path)
    return completeAdapter(paramsOfModule(matrices, path), undefined, given, path)
  },
}

/** Tensors of a file that another program wrote, of any floating-point type. */
export function readModuleTensors(
  tensors: ReturnType<typeof decodeSafetensors>['tensors'],
  where: string,
): Map<string, Matrix> {
  return new Map(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
      const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1))
      const storage = STORAGES[dtype] ?? dtype
      return [name, readStrided({ storage, offset: 0, shape, strides }, bytes, `${where}: tensor "${name}"`)]
    }),
  )
}

import { decodeSafetensors } from './safetensors.js'
import { checkFormat, isObject, type StoredAdapter, storedTensor, wrong } from './stored-adapter.js'

/**
 * Takes an adapter in a safetensors file apart: the facts are in its metadata, `format` and `kind` as they are, the others as JSON,
 * beside the `sha256` of each tensor. Needs no Node API.
 *
 * @param where the file's name, for messages
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT
 */
export function readSafetensorsAdapter(file: Uint8Array, where: string): StoredAdapter {
  const { tensors, metadata } = decodeSafetensors(file, where)
  checkFormat(metadata, where)
  const parse = (name: string): unknown => {
    try {
      return JSON.parse(metadata[name])
    } catch {
      throw wrong(where, `its metadata "${name}" is not JSON`)
    }
  }
  const { format, kind, sha256, ...others } = metadata
  const facts = Object.fromEntries(Object.keys(others).map(name => [name, parse(name)]))
  const sums = sha256 === undefined ? {} : parse('sha256')
  if (!isObject(sums)) throw wrong(where, 'its metadata "sha256" must be an object')
  return {
    facts: { ...facts, format, kind },
    tensors: Object.fromEntries(
      Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => [
        name,
        storedTensor(`${where}: parameter "${name}"`, dtype, shape, bytes, sums[name] as string | undefined),
      ]),
    ),
  }
}

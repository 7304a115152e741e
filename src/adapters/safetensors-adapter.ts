import { parseJson } from './parse-adapter.js'
import { decodeSafetensors } from './safetensors.js'
import { checkFormat, mapValues, readParams, type StoredAdapter } from './stored-adapter.js'

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
  const { format, kind, sha256 = '{}', ...others } = metadata
  const sums = parseJson(sha256, where) as Readonly<Record<string, unknown>> | null
  return {
    facts: { ...mapValues(others, text => parseJson(text, where)), format, kind },
    ...readParams(tensors, where, (_, _where, name) => ({ bytes: tensors[name].bytes, sha256: sums?.[name] })),
  }
}

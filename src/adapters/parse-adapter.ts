import { AdapterTrainError, messageOf } from '../errors.js'
import {
  checkFormat,
  corrupt,
  isObject,
  type StoredAdapter,
  type StoredTensor,
  storedTensor,
  wrong,
} from './stored-adapter.js'

/**
 * Takes an adapter file in JSON apart. Needs no Node API.
 *
 * @param file its text, or what `JSON.parse` made of it
 * @param where its name, for messages
 * @param fromBase64 may throw
 * @throws ADAPTER_FORMAT when it is not an adapter file
 * @throws ADAPTER_CORRUPT when a parameter is shorter or longer than its shape
 */
export function parseAdapter(file: unknown, where: string, fromBase64: (text: string) => Uint8Array): StoredAdapter {
  const parsed = typeof file === 'string' ? parseJson(file, where) : file
  if (!isObject(parsed)) throw wrong(where, 'expected a JSON object, an adapter file written by adapter-train')
  checkFormat(parsed, where)
  const { params, ...facts } = parsed
  if (!isObject(params)) throw wrong(where, '"params" must be an object')
  const parseParam = (name: string): StoredTensor => {
    const place = `${where}: parameter "${name}"`
    const param = params[name]
    if (!isObject(param)) throw wrong(place, 'expected an object')
    const { dtype, shape, sha256, data } = param
    if (typeof data !== 'string' || typeof sha256 !== 'string')
      throw wrong(place, '"data" and "sha256" must be strings')
    let bytes: Uint8Array
    try {
      bytes = fromBase64(data)
    } catch {
      throw corrupt(place, '"data" is not base64; the file is damaged')
    }
    return storedTensor(place, dtype, shape, bytes, sha256)
  }
  return { facts, tensors: Object.fromEntries(Object.keys(params).map(name => [name, parseParam(name)])) }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AdapterTrainError('ADAPTER_FORMAT', `${where} is not an adapter file: ${messageOf(cause)}`, { cause })
  }
}

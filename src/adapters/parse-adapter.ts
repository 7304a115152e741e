import { AdapterTrainError, messageOf } from '../errors.js'
import { checkFormat, damaged, isObject, readParams, type StoredAdapter, wrong } from './stored-adapter.js'

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
  return {
    facts,
    ...readParams(params, where, ({ data, sha256 }, place) => {
      if (typeof data !== 'string' || typeof sha256 !== 'string') {
        throw wrong(place, '"data" and "sha256" must be strings')
      }
      try {
        return { bytes: fromBase64(data), sha256 }
      } catch {
        throw damaged(place, '"data" is not base64')
      }
    }),
  }
}

/**
 * JSON in an adapter file.
 * @throws ADAPTER_FORMAT when it is none
 */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AdapterTrainError('ADAPTER_FORMAT', `${where} is not an adapter file: ${messageOf(cause)}`, { cause })
  }
}

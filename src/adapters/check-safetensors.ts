import { isObject, parseJsonText } from '../json.js'
import { LENGTH_BYTES, METADATA } from './safetensors.js'
import { damaged, wrong } from './stored-adapter.js'

/**
 * Checks every field of the header of a safetensors file, before anything relies on its type, and that the tensors fill the data
 * one after the other, in any order, without a gap, an overlap or a rest. It stands apart from the decoder, which programs for
 * browsers hold.
 */
export function checkSafetensors(file: Uint8Array, where: string): void {
  const start =
    file.length < LENGTH_BYTES
      ? Number.NaN
      : LENGTH_BYTES + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  if (!(start <= file.length)) throw damaged(where, `its header should end at byte ${start}, it has ${file.length}`)
  const size = file.length - start
  const { [METADATA]: metadata = {}, ...entries } = headerOf(file.subarray(LENGTH_BYTES, start), where)
  if (!isObject(metadata)) throw wrong(where, `"${METADATA}" must be an object, found ${found(metadata)}`)
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') throw wrong(where, `"${METADATA}": ${short(name)} must be a text, found ${found(text)}`)
  }
  const ranges = Object.entries(entries).map(([name, entry]) => {
    const place = `${where}: tensor ${short(name)}`
    if (!isObject(entry)) throw wrong(place, `expected an object, found ${found(entry)}`)
    const { dtype, shape, data_offsets: range } = entry
    if (typeof dtype !== 'string') throw wrong(place, `"dtype" must be a text, found ${found(dtype)}`)
    if (!areSizes(shape)) throw wrong(place, `"shape" must be a list of whole numbers from 0 on, found ${found(shape)}`)
    if (!areSizes(range) || range.length !== 2 || range[0] > range[1] || range[1] > size)
      throw wrong(place, `"data_offsets" must be two places within its ${size} bytes of data, found ${found(range)}`)
    return range
  })
  let at = 0
  for (const [begin, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) at = begin === at ? end : Number.NaN
  if (at !== size) throw damaged(where, `its tensors do not fill its ${size} bytes of data one after the other`)
}

function headerOf(bytes: Uint8Array, where: string): Readonly<Record<string, unknown>> {
  let header: unknown
  try {
    header = parseJsonText(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw wrong(where, 'its header is not JSON of at most 512 levels')
  }
  if (!isObject(header)) throw wrong(where, `its header must be an object, found ${found(header)}`)
  return header
}

const areSizes = (list: unknown): list is number[] =>
  Array.isArray(list) && list.every(size => Number.isSafeInteger(size) && size >= 0)

const short = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

const found = (value: unknown): string => (value === undefined ? 'nothing' : isObject(value) ? 'an object' : short(value))

import { damaged, isObject } from '../adapters/stored-adapter.js'

/**
 * Checks what the format demands of a safetensors file beyond what reading it needs: the tensors fill the data one after the
 * other, in any order, without a gap, an overlap or a rest.
 *
 * @throws ADAPTER_CORRUPT
 */
export function checkLayout(file: Uint8Array, where: string): void {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  const header: Record<string, unknown> = JSON.parse(Buffer.from(file.subarray(8, start)).toString('utf8'))
  const ranges = Object.entries(header).flatMap(([name, entry]) =>
    name !== '__metadata__' && isObject(entry) ? [entry.data_offsets as number[]] : [],
  )
  let at = 0
  for (const [begin, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    at = begin === at && end >= at ? end : Number.NaN
  }
  const size = file.length - start
  if (at !== size) throw damaged(where, `its tensors do not fill its ${size} bytes of data one after the other`)
}

import type { Engine, Tensor } from '../engines/engine.js'
import { matrix } from '../math/matrix.js'
import { type RowSource, rowRange } from '../math/row-source.js'

/** Vectors that steps take rows of: on the engine, or outside it. */
export type Origin = Tensor | RowSource

/** Values that are on their way to the engine at once: 64 MiB as float32. */
const BLOCK_VALUES = 16 * 1024 * 1024

/**
 * out[i, :] = row `rows[i]`, wherever the rows are; the same values either way.
 * @param out [rows.length, d] on the engine, written
 */
export function gatherInto(engine: Engine, from: Origin, rows: Uint32Array, out: Tensor): void {
  if (!('gather' in from)) {
    engine.gatherRows(from, rows, out)
    return
  }
  const size = Math.max(1, Math.floor(BLOCK_VALUES / from.cols))
  for (let start = 0; start < rows.length; start += size) {
    const part = rows.subarray(start, start + size)
    const host = matrix(part.length, from.cols)
    from.gather(part, host.data)
    const arrived = engine.upload(host)
    const target = part.length === out.rows ? out : engine.view(out, start, part.length)
    engine.gatherRows(arrived, rowRange(0, part.length), target)
    engine.free(arrived)
  }
}

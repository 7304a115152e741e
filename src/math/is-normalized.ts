import { norm, row } from './matrix.js'
import { blocksOf, type Rows } from './row-source.js'

/** A row counts as of length 1 within this much. */
const UNIT_TOLERANCE = 1e-3

/** Whether all rows have length 1, within float32's rounding. */
export function isNormalized(vectors: Rows): boolean {
  for (const { block } of blocksOf(vectors)) {
    for (let i = 0; i < block.rows; i++) if (Math.abs(norm(row(block, i)) - 1) > UNIT_TOLERANCE) return false
  }
  return true
}

/** Texts and padded tokens in one pass: enough to keep a CPU busy, little enough for the attention of a large model. */
const MAX_ROWS = 32
const MAX_PADDED_TOKENS = 8192

/**
 * Indices of rows in batches of like length, so that little is padded; the longest first, so that a lack of memory
 * shows at once.
 *
 * @param rows token ids of each text
 */
export function* batchesByLength(rows: readonly (readonly number[])[]): Generator<number[]> {
  const order = rows.map((_, i) => i).sort((i, j) => rows[j].length - rows[i].length || i - j)
  for (let start = 0; start < order.length; ) {
    const longest = Math.max(1, rows[order[start]].length)
    const count = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_PADDED_TOKENS / longest)))
    yield order.slice(start, start + count)
    start += count
  }
}

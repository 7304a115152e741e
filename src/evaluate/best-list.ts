/** A sorted list of the best documents of one query. */
export interface BestList {
  /**
   * Takes what is better than the worst entry, or than no entry, and allowed.
   * @param scores of the documents `firstRow` to `firstRow + count`, from place `from` on
   */
  offer(scores: Float32Array, from: number, count: number, firstRow: number): void
}

/**
 * An empty list of as many entries as the arrays hold.
 * @param rows written: document rows, best first
 * @param scores written: their scores
 * @param tieRank of two documents with equal scores the one with the lower number comes first
 * @param allows whether a document may enter; asked only about those that are good enough
 */
export function createBestList(
  rows: Uint32Array,
  scores: Float32Array,
  tieRank: Uint32Array,
  allows?: (document: number, score: number) => boolean,
): BestList {
  const k = rows.length
  let size = 0
  return {
    offer(block, from, count, firstRow) {
      for (let j = 0; j < count; j++) {
        const score = block[from + j]
        if (size === k && score < scores[k - 1]) continue
        const doc = firstRow + j
        if (allows && !allows(doc, score)) continue
        let at = size
        while (at > 0 && (score > scores[at - 1] || (score === scores[at - 1] && tieRank[doc] < tieRank[rows[at - 1]])))
          at--
        if (at === k) continue
        if (size < k) size++
        rows.copyWithin(at + 1, at, size - 1)
        scores.copyWithin(at + 1, at, size - 1)
        rows[at] = doc
        scores[at] = score
      }
    },
  }
}

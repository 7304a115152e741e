import type { Engine, Tensor } from '../engines/engine.js'

/** Most scores that are brought back from the engine at once; 32 MiB as float32. */
const MAX_SCORES = 8 * 1024 * 1024

/** Relevant documents by query row: document row -> grade. */
export type Positives = readonly ReadonlyMap<number, number>[]

/**
 * The rank of every relevant document of every query, exactly, by cosine similarity.
 *
 * A document's rank is 1 plus the number of documents with a higher score, or an equal score and a lower `tieRank`. Works through
 * blocks of queries: memory is bounded by the block, not by queries x documents.
 *
 * @param queries [n, d] on the engine, any length of row
 * @param units [m, d] on the engine, rows of length 1
 * @param positives [n]
 * @param tieRank [m] of two documents with equal scores the one with the lower number comes first
 * @returns for every query the ranks of its positives, in the order of its map
 */
export async function positiveRanks(
  engine: Engine,
  queries: Tensor,
  units: Tensor,
  positives: Positives,
  tieRank: Uint32Array,
): Promise<Uint32Array[]> {
  const m = units.rows
  const block = Math.max(1, Math.min(queries.rows, Math.floor(MAX_SCORES / m)))
  const ranks: Uint32Array[] = []
  const [S, U, norms] = [engine.alloc(block, m), engine.alloc(block, queries.cols), engine.alloc(block, 1)]
  for (let start = 0; start < queries.rows; start += block) {
    const n = Math.min(block, queries.rows - start)
    const part =
      n === block
        ? { S, U, norms }
        : { S: engine.view(S, 0, n), U: engine.view(U, 0, n), norms: engine.view(norms, 0, n) }
    engine.normalizeRows(engine.view(queries, start, n), part.U, part.norms)
    engine.gemm(part.U, units, part.S, { transposeB: true })
    const scores = await engine.read(part.S)
    for (let i = 0; i < n; i++) {
      const row = scores.subarray(i * m, (i + 1) * m)
      ranks.push(Uint32Array.from(positives[start + i].keys(), document => rankOf(row, document, tieRank)))
    }
  }
  for (const t of [S, U, norms]) engine.free(t)
  return ranks
}

/**
 * 1 plus the number of documents with a higher score than `document`, or an equal score and a lower `tieRank`.
 * @param scores [m] of one query
 */
export function rankOf(scores: Float32Array, document: number, tieRank: Uint32Array): number {
  const own = scores[document]
  const ownTie = tieRank[document]
  let before = 0
  for (let j = 0; j < scores.length; j++) {
    if (scores[j] > own) before++
    else if (scores[j] === own && tieRank[j] < ownTie) before++
  }
  return before + 1
}

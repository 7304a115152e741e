import { setImmediate as nextTurn } from 'node:timers/promises'
import { throwIfAborted } from '../abort.js'
import type { Engine, Tensor } from '../engines/engine.js'
import { type Matrix, matrix } from '../math/matrix.js'
import { normalizedSource, type RowSource, type Rows, rowRange, rowSource } from '../math/row-source.js'
import { type BestList, emptyTopK, type TopK } from './top-k.js'

export interface TopKOnOptions {
  readonly signal?: AbortSignal
  /** Ranks by inner product instead of cosine. */
  readonly dot?: boolean
  /** Most values per block. */
  readonly blocks?: { readonly vectors?: number; readonly scores?: number }
  /** Returns true if a document may be among a query's; `score` is the engine's. */
  readonly allows?: (queryRow: number, documentRow: number, score: number) => boolean
}

/** As float32: vectors 32 MiB, scores 16 MiB. */
const BLOCKS = { vectors: 8 * 1024 * 1024, scores: 4 * 1024 * 1024 } as const

/**
 * Finds the k documents with the highest cosine similarity for every query, as `topK` up to the rounding of the engine's float32
 * scores. Queries, documents and scores go through the engine in blocks: beside the result, memory is bounded by a few blocks, on
 * the device and off it.
 * @param queries [n, d], of any length
 * @param docs [m, d], of any length
 * @param k at most m are returned; places that `allows` leaves empty have the score -Infinity
 * @param tieRank [m] the lower comes first among equal scores
 */
export async function topKOn(
  engine: Engine,
  queries: Rows,
  docs: Rows,
  k: number,
  tieRank: Uint32Array,
  { signal, blocks, allows, dot }: TopKOnOptions = {},
): Promise<TopK> {
  const { top: found, listOf } = emptyTopK(queries.rows, Math.min(k, docs.rows), tieRank, allows)
  if (found.rows.length === 0) return found

  const { vectors, scores: mostScores } = { ...BLOCKS, ...blocks }
  const most = Math.max(1, Math.floor(vectors / docs.cols))
  const size = Math.min(most, docs.rows)
  const [unitQueries, units] = [queries, docs].map(from => (dot ? rowSource(from) : normalizedSource(rowSource(from))))
  for (let start = 0; start < queries.rows; start += most) {
    const count = Math.min(most, queries.rows - start)
    const lists = Array.from({ length: count }, (_, i) => listOf(start + i))
    await searchBlock(read(unitQueries, start, matrix(count, queries.cols)), lists)
  }
  return found

  async function searchBlock(Q: Matrix, lists: readonly BestList[]): Promise<void> {
    const height = Math.max(1, Math.min(Q.rows, Math.floor(mostScores / size)))
    // Two, as the engine may still be reading the one before.
    const buffers = [matrix(size, Q.cols), matrix(size, Q.cols)]
    const held = [engine.upload(Q), engine.alloc(height, size)]
    const [block, S] = held
    let documents: Tensor | undefined
    let waiting: (() => Promise<void>) | undefined
    try {
      for (let next = 0, b = 0; next < units.rows; next += size, b++) {
        // The last block reaches back to earlier documents: with one shape for all blocks the engine sums in one way, and copies of
        // a document score the same in any block.
        const first = Math.min(next, units.rows - size)
        if (documents) engine.free(documents)
        documents = engine.upload(read(units, first, buffers[b % 2]))
        for (let top = 0; top < Q.rows; top += height) {
          const count = Math.min(height, Q.rows - top)
          const part = count === height ? S : engine.view(S, 0, count)
          engine.gemm(Q.rows === count ? block : engine.view(block, top, count), documents, part, { transposeB: true })
          const arriving = engine.read(part)
          // It is awaited one block later; a failure before that must not count as unhandled.
          arriving.catch(() => {})
          await waiting?.()
          waiting = async () => {
            const values = await arriving
            for (let i = 0; i < count; i++) {
              lists[top + i].offer(values, i * size + next - first, size - (next - first), next)
            }
          }
        }
        await nextTurn()
        throwIfAborted(signal, 'evaluation was stopped')
      }
      await waiting?.()
    } finally {
      if (documents) engine.free(documents)
      for (const t of held) engine.free(t)
    }
  }
}

/** Fills `out` with the rows from `start` on. */
function read(source: RowSource, start: number, out: Matrix): Matrix {
  source.gather(rowRange(start, out.rows), out.data)
  return out
}

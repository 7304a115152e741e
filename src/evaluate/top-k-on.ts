import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Engine, Tensor } from '../engines/engine.js'
import { type Matrix, matrix } from '../math/matrix.js'
import { normalizedSource, type RowSource, type Rows, rowRange, rowSource } from '../math/row-source.js'
import { throwIfAborted } from '../throw-if-aborted.js'
import { type BestList, createBestList } from './best-list.js'
import type { TopK } from './top-k.js'

/** Most values of each block, as float32: of vectors 32 MiB, of scores 16 MiB. */
export interface BlockSizes {
  readonly vectors?: number
  readonly scores?: number
}

export interface TopKOnOptions {
  readonly signal?: AbortSignal
  readonly blocks?: BlockSizes
  /** @param score as the engine computed it */
  readonly allows?: (queryRow: number, documentRow: number, score: number) => boolean
}

const BLOCKS = { vectors: 8 * 1024 * 1024, scores: 4 * 1024 * 1024 } as const

/**
 * Exact search on an engine: the k documents with the highest cosine similarity, for every query; what `topK` finds, up to the
 * rounding of the engine's float32 scores.
 *
 * Queries, documents and scores go through the engine in blocks: beside its result it takes no more memory than a few blocks,
 * on the device and off it, however many there are.
 *
 * @param queries [n, d], any length of row
 * @param docs [m, d], any length of row
 * @param k at most m are returned
 * @param tieRank [m] of two documents with equal scores the one with the lower number comes first
 * @param options.allows whether a document may be among a query's; places that none fills have the score -Infinity
 * @throws ABORTED when `signal` was aborted
 */
export async function topKOn(
  engine: Engine,
  queries: Rows,
  docs: Rows,
  k: number,
  tieRank: Uint32Array,
  { signal, blocks, allows }: TopKOnOptions = {},
): Promise<TopK> {
  const kept = Math.min(k, docs.rows)
  const rows = new Uint32Array(queries.rows * kept)
  const scores = new Float32Array(queries.rows * kept).fill(allows ? Number.NEGATIVE_INFINITY : 0)
  if (rows.length === 0) return { k: kept, rows, scores }

  const { vectors, scores: mostScores } = { ...BLOCKS, ...blocks }
  const size = Math.max(1, Math.floor(vectors / docs.cols))
  const [unitQueries, units] = [queries, docs].map(from => normalizedSource(rowSource(from)))
  const listOf = (query: number): BestList => {
    const [from, to] = [query * kept, (query + 1) * kept]
    const allowed = allows && ((document: number, score: number): boolean => allows(query, document, score))
    return createBestList(rows.subarray(from, to), scores.subarray(from, to), tieRank, allowed)
  }
  for (let start = 0; start < queries.rows; start += size) {
    const count = Math.min(size, queries.rows - start)
    const Q = read(unitQueries, start, matrix(count, queries.cols))
    const lists = Array.from({ length: count }, (_, i) => listOf(start + i))
    await searchBlock(engine, Q, units, Math.min(size, docs.rows), mostScores, lists, signal)
  }
  return { k: kept, rows, scores }
}

/** Ranks all documents for one block of queries. */
async function searchBlock(
  engine: Engine,
  Q: Matrix,
  units: RowSource,
  size: number,
  mostScores: number,
  lists: readonly BestList[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const height = Math.max(1, Math.min(Q.rows, Math.floor(mostScores / size)))
  // Two, as the engine may still be reading the one before.
  const buffers = [matrix(size, Q.cols), matrix(size, Q.cols)]
  const held = [engine.upload(Q), engine.alloc(height, size)]
  const [queries, S] = held
  let documents: Tensor | undefined
  let waiting: (() => Promise<void>) | undefined
  try {
    for (let next = 0, b = 0; next < units.rows; next += size, b++) {
      // The last block reaches back for documents that were seen: one shape for all, so that the engine takes one way of
      // summing for all, and copies of a document score the same in whichever blocks they stand.
      const first = Math.min(next, units.rows - size)
      if (documents) engine.free(documents)
      documents = engine.upload(read(units, first, buffers[b % 2]))
      for (let top = 0; top < Q.rows; top += height) {
        const count = Math.min(height, Q.rows - top)
        const part = count === height ? S : engine.view(S, 0, count)
        const block = Q.rows === count ? queries : engine.view(queries, top, count)
        engine.gemm(block, documents, part, { transposeB: true })
        const arriving = engine.read(part)
        // It is awaited one block later; a failure before that must not count as unhandled.
        arriving.catch(() => {})
        await waiting?.()
        waiting = async () => {
          const found = await arriving
          for (let i = 0; i < count; i++) {
            lists[top + i].offer(found, i * size + next - first, size - (next - first), next)
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

/** Fills `out` with the rows from `start` on. */
function read(source: RowSource, start: number, out: Matrix): Matrix {
  source.gather(rowRange(start, out.rows), out.data)
  return out
}

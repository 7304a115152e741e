import type { Engine, Tensor } from '../engines/engine.js'
import type { CandidateBatch } from '../losses/candidates.js'
import { gatherInto, type Origin } from './gather-into.js'

/**
 * Keeps the documents that a batch is ranked against together in one tensor: those of the epoch's pool, gathered when the pool
 * changes, and after them the batch's own.
 *
 * @param documents [m, d] all documents
 */
export function createCandidateDocuments(engine: Engine, documents: Origin) {
  let held: Tensor | undefined
  let pool: Uint32Array | undefined

  /** Makes room; the pool is gathered again after that. */
  function hold(rows: number): Tensor {
    if (held && held.rows >= rows) return held
    if (held) engine.free(held)
    pool = undefined
    held = engine.alloc(rows, documents.cols)
    return held
  }

  return {
    /** @returns [P, d], valid until the next call */
    gather(batch: CandidateBatch): Tensor {
      const own = batch.documentRows.length
      const pooled = batch.pool?.length ?? 0
      const D = hold(pooled + own)
      if (batch.pool && batch.pool !== pool) {
        gatherInto(engine, documents, batch.pool, engine.view(D, 0, pooled))
        pool = batch.pool
      }
      if (!batch.pool) pool = undefined
      if (own > 0) gatherInto(engine, documents, batch.documentRows, engine.view(D, pooled, own))
      return engine.view(D, 0, pooled + own)
    },
    free(): void {
      if (held) engine.free(held)
      held = undefined
    },
  }
}

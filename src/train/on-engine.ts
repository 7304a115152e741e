import type { Scratch } from '../adapters/kind.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine, Tensor } from '../engines/engine.js'
import { isAdapterTrainError } from '../errors.js'
import type { TrainingBatch } from '../losses/batch-source.js'
import { getOrInsert } from '../maps.js'
import { type Matrix, matrix } from '../math/matrix.js'
import { normalizedSource, type RowSource, type Rows, rowRange, rowSource, toMatrix } from '../math/row-source.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'

/** Makes tensors that are freed together; those of `scratch` on first use, one per name and shape. */
export function createBuffers(engine: Engine) {
  const tensors = new Map<string, Tensor>()
  const scratch: Scratch = (name, rows, cols) => getOrInsert(tensors, `${name} ${rows} ${cols}`, () => engine.alloc(rows, cols))
  return {
    scratch,
    upload(m: Matrix): Tensor {
      const tensor = engine.upload(m)
      tensors.set(`upload ${tensors.size}`, tensor)
      return tensor
    },
    free(): void {
      for (const tensor of tensors.values()) engine.free(tensor)
      tensors.clear()
    },
  }
}

/** Vectors of which steps take rows: on the engine, or outside it. */
export type Origin = Tensor | RowSource

/** Values copied to the engine at once: 64 MiB as float32. */
const BLOCK_VALUES = 16 * 1024 * 1024

/** Copies rows: out[i, :] = row `rows[i]`, out [rows.length, d] on the engine, with the same values wherever they are. */
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

/**
 * Puts a dataset on an engine if `memory` and device have room; else every step brings the rows of its batch.
 * @returns `documents` [m, k], rows of unit length; k is d, or fewer for truncated documents
 */
export function placeVectors(
  engine: Engine,
  { queries, docs }: Pick<EmbeddedDataset<Rows>, 'queries' | 'docs'>,
  memory = MEMORY_DEFAULT,
): Record<'queries' | 'documents', Origin> & { free(): void } {
  const [q, d] = [rowSource(queries), normalizedSource(rowSource(docs))]
  const outside = { queries: q, documents: d, free: () => {} }
  if (4 * (q.rows * q.cols + d.rows * d.cols) > memory) return outside
  const held: Tensor[] = []
  const free = (): void => {
    for (const t of held) engine.free(t)
  }
  try {
    for (const vectors of [queries, d]) held.push(engine.upload(toMatrix(vectors)))
  } catch (error) {
    free()
    // A driver may allow a matrix less room than the device has.
    if (isAdapterTrainError(error, 'ENGINE_MEMORY')) return outside
    throw error
  }
  return { queries: held[0], documents: held[1], free }
}

/**
 * Holds the documents a batch is ranked against in one tensor: the epoch's pool, gathered when it changes, then the batch's own.
 * @param documents [m, d] all documents
 */
export function createCandidateDocuments(engine: Engine, documents: Origin) {
  let held: Tensor | undefined
  let pool: Uint32Array | undefined

  /** Makes room; a new tensor loses the pool. */
  function hold(rows: number): Tensor {
    if (held && held.rows >= rows) return held
    if (held) engine.free(held)
    pool = undefined
    held = engine.alloc(rows, documents.cols)
    return held
  }

  return {
    /** @returns [P, d], valid until the next call */
    gather(batch: TrainingBatch): Tensor {
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

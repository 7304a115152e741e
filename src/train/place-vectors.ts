import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine, Tensor } from '../engines/engine.js'
import { isAdapterTrainError } from '../errors.js'
import { normalizedSource, type Rows, rowSource, toMatrix } from '../math/row-source.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'
import type { Origin } from './gather-into.js'

/** What a training run takes its batches from. */
export interface PlacedVectors {
  /** [n, d] as embedded. */
  readonly queries: Origin
  /** [m, d], rows of length 1. */
  readonly documents: Origin
  free(): void
}

/**
 * Puts a data set on an engine where it takes at most `memory` bytes and the device has room; else leaves it where it is, so that
 * every step brings the rows of its batch.
 */
export function placeVectors(
  engine: Engine,
  { queries, docs }: Pick<EmbeddedDataset<Rows>, 'queries' | 'docs'>,
  memory = MEMORY_DEFAULT,
): PlacedVectors {
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
    // A driver may give a matrix less room than the device has.
    if (isAdapterTrainError(error, 'ENGINE_MEMORY')) return outside
    throw error
  }
  return { queries: held[0], documents: held[1], free }
}

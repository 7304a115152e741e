import { type EmbeddedDataset, labelledRows, selectQueries } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { createPooledSource } from '../../losses/pooled.js'
import { getOrInsert } from '../../maps.js'
import { normalizedRows } from '../../math/matrix.js'
import { createRandom, sampleRows } from '../../math/random.js'
import { gatherRows, normalizedSource, type Rows, rowRange, rowSource, truncateRows } from '../../math/row-source.js'
import { crossEntropy } from '../cross-entropy.js'
import { createBuffers, createCandidateDocuments } from '../on-engine.js'
import { RECIPE } from '../recipe.js'

const BLOCK = 128
/** Approximate number of documents on the engine; more are sampled, with a correction. */
const MOST_DOCUMENTS = 50_000

/**
 * Fits the scale to an embedding: the value of the grid with the lowest cross-entropy of the unadapted queries against all
 * documents. The cross-entropy is convex in the scale, so the grid is searched downhill.
 */
export async function fitScale(engine: Engine, data: EmbeddedDataset<Rows>, seed: number): Promise<number> {
  const rows = labelledRows(data)
  const chosen = sampleRows(rows, RECIPE.scaleQueries, createRandom(seed))
  const raw = truncateRows(gatherRows(data.queries, chosen), data.docs.cols)
  const queries = engine.upload(normalizedRows(raw))
  const candidates = createCandidateDocuments(engine, normalizedSource(rowSource(data.docs)))
  const sum = engine.alloc(1, 1)
  const { scratch, free } = createBuffers(engine)
  const everything = rowRange(0, data.docs.rows)
  const part = { ...selectQueries(data, chosen), queries: raw }
  const options = { batchSize: BLOCK, maxNegatives: MOST_DOCUMENTS }
  const batches = [...createPooledSource(part, everything, options).epoch(createRandom(seed))]

  async function lossOf(scale: number): Promise<number> {
    engine.fill(sum, 0)
    for (const batch of batches) {
      const [B, d] = [batch.queryRows.length, data.docs.cols]
      const [U, dU, loss] = [scratch('U', B, d), scratch('dU', B, d), scratch('loss', B, 1)]
      const D = candidates.gather(batch)
      engine.gatherRows(queries, batch.queryRows, U)
      crossEntropy(engine, { U, D, dU, loss }, batch, { scale, gradientScale: 1 }, scratch)
      engine.addSum(loss, sum)
    }
    return (await engine.read(sum))[0]
  }
  const known = new Map<number, Promise<number>>()
  const lossAt = (index: number): Promise<number> => getOrInsert(known, index, () => lossOf(RECIPE.scales[index]))

  try {
    let best = RECIPE.scales.length >> 1
    for (const direction of [1, -1]) {
      while (best + direction in RECIPE.scales && (await lossAt(best + direction)) < (await lossAt(best))) best += direction
    }
    return RECIPE.scales[best]
  } finally {
    free()
    candidates.free()
    for (const t of [queries, sum]) engine.free(t)
  }
}

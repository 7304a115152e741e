import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Engine } from '../../engines/engine.js'
import { createPooledSource } from '../../losses/pooled.js'
import { normalizedRows } from '../../math/matrix.js'
import { createRandom, permutation } from '../../math/random.js'
import { gatherRows, normalizedSource, type Rows, rowSource } from '../../math/row-source.js'
import { truncateRows } from '../../math/truncate.js'
import { createBuffers } from '../buffers.js'
import { createCandidateDocuments } from '../candidate-documents.js'
import { crossEntropy } from '../cross-entropy.js'
import { RECIPE } from '../recipe.js'

/** Queries whose scores are held at once. */
const BLOCK = 128

/** Documents on the engine, about; of more a sample stands in for them, with its share corrected for. */
const MOST_DOCUMENTS = 50_000

/**
 * Fits the inverse temperature to an embedding: the value of the grid with the lowest cross-entropy of the unadapted queries
 * against all documents. The cross-entropy is convex in it, so the grid is searched downhill.
 *
 * @returns tau0
 */
export async function fitTemperature(engine: Engine, data: EmbeddedDataset<Rows>, seed: number): Promise<number> {
  const rows = Array.from(data.positives.keys()).filter(i => data.positives[i].size > 0)
  const chosen = permutation(rows.length, createRandom(seed))
    .subarray(0, RECIPE.temperatureQueries)
    .map(i => rows[i])
    .sort()
  const raw = truncateRows(gatherRows(data.queries, chosen), data.docs.cols)
  const queries = engine.upload(normalizedRows(raw))
  const candidates = createCandidateDocuments(engine, normalizedSource(rowSource(data.docs)))
  const sum = engine.alloc(1, 1)
  const { scratch, free } = createBuffers(engine)
  const everything = Uint32Array.from({ length: data.docs.rows }, (_, row) => row)
  const part = { ...data, queries: raw, positives: Array.from(chosen, i => data.positives[i]) }
  const options = { batchSize: BLOCK, maxNegatives: MOST_DOCUMENTS }
  const batches = [...createPooledSource(part, everything, options).epoch(createRandom(seed))]

  const known = new Map<number, number>()
  async function lossAt(index: number): Promise<number> {
    const before = known.get(index)
    if (before !== undefined) return before
    engine.fill(sum, 0)
    for (const batch of batches) {
      const [B, d] = [batch.queryRows.length, data.docs.cols]
      const [U, dU, loss] = [scratch('U', B, d), scratch('dU', B, d), scratch('loss', B, 1)]
      const D = candidates.gather(batch)
      engine.gatherRows(queries, batch.queryRows, U)
      crossEntropy(engine, { U, D, dU, loss }, batch, { scale: RECIPE.temperatures[index], gradientScale: 1 }, scratch)
      engine.addSum(loss, sum)
    }
    const value = (await engine.read(sum))[0]
    known.set(index, value)
    return value
  }

  try {
    let best = RECIPE.temperatures.length >> 1
    for (const direction of [1, -1]) {
      while (best + direction in RECIPE.temperatures && (await lossAt(best + direction)) < (await lossAt(best)))
        best += direction
    }
    return RECIPE.temperatures[best]
  } finally {
    free()
    candidates.free()
    for (const t of [queries, sum]) engine.free(t)
  }
}

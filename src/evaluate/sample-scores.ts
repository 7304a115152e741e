import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { dot, normalizedRows, row } from '../math/matrix.js'
import { gatherRows, type Rows } from '../math/row-source.js'
import { tieRankOf } from './top-k.js'
import { topKOn } from './top-k-on.js'

/** Cosines of queries with what they should find and with what stands in their way; one value a query. */
export interface SampledScores {
  /** [n] of the nearest relevant document. */
  readonly positives: Float32Array
  /** [n] of the nearest document that is not known to be relevant. */
  readonly hardestNegatives: Float32Array
}

/**
 * How far queries are from their nearest relevant document and from their hardest negative, over all documents.
 *
 * @param queries [n, d] vectors of the queries, adapted or not, any length of row
 * @param positives [n] relevant documents of each, at least one
 * @returns values of the queries that have a negative at all
 * @throws ABORTED when `signal` was aborted
 */
export async function sampleScores(
  engine: Engine,
  queries: Rows,
  { docs, docIds }: Pick<EmbeddedDataset<Rows>, 'docs' | 'docIds'>,
  positives: readonly ReadonlyMap<number, number>[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<SampledScores> {
  const { signal } = options
  const allows = (query: number, document: number) => !positives[query].has(document)
  const negatives = await topKOn(engine, queries, docs, 1, tieRankOf(docIds), { signal, allows })
  const Q = normalizedRows(gatherRows(queries, Uint32Array.from(positives.keys()))) // [n, d]
  const kept = Array.from(positives.keys()).filter(i => Number.isFinite(negatives.scores[i]))
  const nearest = kept.map(i => {
    const D = normalizedRows(gatherRows(docs, [...positives[i].keys()])) // [positives, d]
    return Math.max(...Array.from({ length: D.rows }, (_, j) => dot(row(Q, i), row(D, j))))
  })
  return {
    positives: Float32Array.from(nearest),
    hardestNegatives: Float32Array.from(kept, i => negatives.scores[i]),
  }
}

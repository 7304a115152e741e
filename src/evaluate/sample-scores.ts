import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { dot, normalizedRows, row } from '../math/matrix.js'
import { gatherRows, type Rows } from '../math/row-source.js'
import { tieRankOf } from './top-k.js'
import { topKOn } from './top-k-on.js'

/** Cosines of queries, one value per query. */
export interface SampledScores {
  /** [n] with the nearest relevant document. */
  readonly positives: Float32Array
  /** [n] with the nearest document not known to be relevant. */
  readonly hardestNegatives: Float32Array
}

/**
 * Computes the cosines of queries with their nearest relevant document and their hardest negative, over all documents.
 * @param queries [n, d], of any length
 * @param positives [n] relevant documents of each, at least one
 * @param options.ownDocument document that a query itself is, which is no negative
 */
export async function sampleScores(
  engine: Engine,
  queries: Rows,
  { docs, docIds }: Pick<EmbeddedDataset<Rows>, 'docs' | 'docIds'>,
  positives: readonly ReadonlyMap<number, number>[],
  options: { readonly signal?: AbortSignal; readonly ownDocument?: (query: number) => number | undefined } = {},
): Promise<SampledScores> {
  const { signal, ownDocument } = options
  const allows = (query: number, document: number) => !positives[query].has(document) && ownDocument?.(query) !== document
  const negatives = await topKOn(engine, queries, docs, 1, tieRankOf(docIds), { signal, allows })
  const Q = normalizedRows(gatherRows(queries, Uint32Array.from(positives.keys()))) // [n, d]
  const kept = Array.from(positives.keys()).filter(i => Number.isFinite(negatives.scores[i]))
  const nearest = kept.map(i => {
    const D = normalizedRows(gatherRows(docs, [...positives[i].keys()])) // [positives, d]
    return Math.max(...Array.from({ length: D.rows }, (_, j) => dot(row(Q, i), row(D, j))))
  })
  return { positives: Float32Array.from(nearest), hardestNegatives: Float32Array.from(kept, i => negatives.scores[i]) }
}

import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { labelledRows } from '../../embed/embedded-dataset.js'
import type { Matrix } from '../../math/matrix.js'
import { createRandom, permutation } from '../../math/random.js'
import { gatherRows, type Rows, toMatrix } from '../../math/row-source.js'

/** The part of a data set that consists of the given queries, in memory, with all documents. */
export function withQueries<V extends Rows>(
  data: EmbeddedDataset<V>,
  rows: ArrayLike<number>,
): Omit<EmbeddedDataset<V>, 'queries'> & { readonly queries: Matrix } {
  return {
    ...data,
    queryIds: Array.from(rows, i => data.queryIds[i]),
    queries: gatherRows(data.queries, rows),
    positives: Array.from(rows, i => data.positives[i]),
    ...(data.weights && { weights: Float32Array.from(rows, i => data.weights![i]) }),
    ...(data.judgedNegatives && { judgedNegatives: Array.from(rows, i => data.judgedNegatives![i]) }),
  }
}

/**
 * A sample, in memory, of at most `queries` labelled queries, and their positives together with other documents up to `documents`,
 * those that were judged not relevant first, then those to `keep`; seeded, in the order of the data set.
 */
export function sampleDataset(
  data: EmbeddedDataset<Rows>,
  {
    queries,
    documents,
    seed,
    keep = [],
  }: { readonly queries: number; readonly documents: number; readonly seed: number; readonly keep?: Iterable<number> },
): EmbeddedDataset {
  const random = createRandom(seed)
  const labelled = labelledRows(data)
  const rows =
    labelled.length <= queries
      ? labelled
      : permutation(labelled.length, random)
          .subarray(0, queries)
          .map(i => labelled[i])
          .sort()
  const part = withQueries(data, rows)
  if (data.docs.rows <= documents) return { ...part, docs: toMatrix(data.docs) }

  const needed = new Set<number>()
  for (const positives of part.positives) for (const document of positives.keys()) needed.add(document)
  for (const judged of part.judgedNegatives ?? [])
    for (const document of judged) if (needed.size < documents) needed.add(document)
  for (const document of keep) if (needed.size < documents) needed.add(document)
  const rest = Uint32Array.from({ length: data.docs.rows }, (_, i) => i).filter(i => !needed.has(i))
  const others = permutation(rest.length, random)
    .subarray(0, Math.max(0, documents - needed.size))
    .map(i => rest[i])
  const kept = Uint32Array.from([...needed, ...others]).sort()
  const rowOf = new Map(Array.from(kept, (document, row) => [document, row]))
  return {
    ...part,
    docIds: Array.from(kept, i => data.docIds[i]),
    docs: gatherRows(data.docs, kept),
    docTextGroup: kept.map(i => data.docTextGroup[i]),
    positives: part.positives.map(
      positives => new Map(Array.from(positives, ([document, grade]) => [rowOf.get(document)!, grade])),
    ),
    ...(part.judgedNegatives && {
      judgedNegatives: part.judgedNegatives.map(judged =>
        judged.flatMap(document => (rowOf.has(document) ? [rowOf.get(document)!] : [])),
      ),
    }),
  }
}

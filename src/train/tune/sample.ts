import { type EmbeddedDataset, labelledRows, selectQueries } from '../../embed/embedded-dataset.js'
import { documentsOf } from '../../losses/batch-columns.js'
import { type Matrix, matrix } from '../../math/matrix.js'
import { createRandom, sampleRows } from '../../math/random.js'
import { gatherRows, type Rows, rowRange, toMatrix } from '../../math/row-source.js'

/** Selects queries of a dataset, in memory, with all documents. */
export function withQueries<V extends Rows>(
  data: EmbeddedDataset<V>,
  rows: ArrayLike<number>,
): Omit<EmbeddedDataset<V>, 'queries'> & { readonly queries: Matrix } {
  return { ...selectQueries(data, rows), queries: gatherRows(data.queries, rows) }
}

/**
 * Draws a sample, in memory, of at most `queries` labelled queries, with their positives and other documents up to `documents`: first
 * those judged not relevant, then those to `keep`. Seeded, in the order of the dataset.
 */
export function sampleDataset(
  data: EmbeddedDataset<Rows>,
  options: { readonly queries: number; readonly documents: number; readonly seed: number; readonly keep?: number[] },
): EmbeddedDataset {
  const { queries, documents, seed, keep = [] } = options
  const random = createRandom(seed)
  const part = withQueries(data, sampleRows(labelledRows(data), queries, random))
  if (data.docs.rows <= documents) return { ...part, docs: toMatrix(data.docs) }

  const needed = documentsOf(part, part.positives.keys())
  for (const judged of part.judgedNegatives ?? [])
    for (const document of judged) if (needed.size < documents) needed.add(document)
  for (const document of keep) if (needed.size < documents) needed.add(document)
  const rest = rowRange(0, data.docs.rows).filter(i => !needed.has(i))
  const others = sampleRows(rest, Math.max(0, documents - needed.size), random)
  const kept = Uint32Array.from([...needed, ...others]).sort()
  const rowOf = new Map(Array.from(kept, (document, row) => [document, row]))
  return {
    ...part,
    docIds: Array.from(kept, i => data.docIds[i]),
    docs: gatherRows(data.docs, kept),
    docTextGroup: kept.map(i => data.docTextGroup[i]),
    ...(data.docTexts && { docTexts: Array.from(kept, i => data.docTexts![i]) }),
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

/** Appends the labelled queries of `extra`, which has the same documents, with their weights to those of a dataset. */
export function joinQueries<V extends Rows>(data: EmbeddedDataset<V>, extra: EmbeddedDataset<Rows>) {
  const labelled = withQueries(data, labelledRows(data))
  const added = withQueries(extra, labelledRows(extra))
  const none = (count: number): readonly number[][] => Array.from({ length: count }, () => [])
  const [n, m] = [labelled.queries.rows, added.queries.rows]
  const weights = new Float32Array(n + m).fill(1)
  if (labelled.weights) weights.set(labelled.weights)
  if (added.weights) weights.set(added.weights, n)
  const queries = matrix(n + m, data.queries.cols)
  queries.data.set(labelled.queries.data)
  queries.data.set(added.queries.data, labelled.queries.data.length)
  const judged = labelled.judgedNegatives ?? added.judgedNegatives
  return {
    ...labelled,
    queryIds: [...labelled.queryIds, ...added.queryIds],
    queries,
    positives: [...labelled.positives, ...added.positives],
    ...(judged && { judgedNegatives: [...(labelled.judgedNegatives ?? none(n)), ...(added.judgedNegatives ?? none(m))] }),
    weights,
    ...(labelled.queryTexts && added.queryTexts && { queryTexts: [...labelled.queryTexts, ...added.queryTexts] }),
  }
}

/** Puts queries, in memory, on the documents of a sample, without those whose documents are not in it. */
export function onSample(extra: EmbeddedDataset<Rows>, sample: EmbeddedDataset): EmbeddedDataset {
  const rowOf = new Map(sample.docIds.map((id, row) => [id, row]))
  const moved = ([document, grade]: readonly [number, number]) => {
    const row = rowOf.get(extra.docIds[document])
    return row === undefined ? [] : [[row, grade] as const]
  }
  const positives = extra.positives.map(judged => new Map([...judged].flatMap(moved)))
  const kept = withQueries({ ...extra, positives, judgedNegatives: undefined }, labelledRows({ positives }))
  const { docIds, docs, docTextGroup, docTexts } = sample
  return { ...kept, docIds, docs, docTextGroup, docTexts }
}

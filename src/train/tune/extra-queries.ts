import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { labelledRows } from '../../embed/embedded-dataset.js'
import { matrix } from '../../math/matrix.js'
import type { Rows } from '../../math/row-source.js'
import { withQueries } from './sample-dataset.js'

/**
 * A data set with further queries after its labelled ones: those of `extra`, which has the same documents, with their weights.
 * @returns queries in memory; queries of `data` without a positive are left out
 */
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
    ...(judged && {
      judgedNegatives: [...(labelled.judgedNegatives ?? none(n)), ...(added.judgedNegatives ?? none(m))],
    }),
    weights,
  }
}

/** The queries of `extra`, in memory, on the documents of a sample; those whose documents are not in it are left out. */
export function onSample(extra: EmbeddedDataset<Rows>, sample: EmbeddedDataset): EmbeddedDataset {
  const rowOf = new Map(sample.docIds.map((id, row) => [id, row]))
  const moved = extra.positives.map(
    positives =>
      new Map(
        Array.from(positives).flatMap(([document, grade]) => {
          const row = rowOf.get(extra.docIds[document])
          return row === undefined ? [] : [[row, grade] as const]
        }),
      ),
  )
  const kept = withQueries(
    { ...extra, positives: moved, judgedNegatives: undefined },
    labelledRows({ positives: moved }),
  )
  const { docIds, docs, docTextGroup } = sample
  return { ...kept, docIds, docs, docTextGroup }
}

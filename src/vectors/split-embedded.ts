import { foldText } from '../dataset/fold-text.js'
import { type SplitDatasetOptions, splitDataset } from '../dataset/split.js'
import { type Matrix, takeRows } from '../math/matrix.js'
import { isInMemory, type Rows, selectedRows } from '../math/row-source.js'
import { groupRows } from './row-groups.js'
import type { VectorDataset, VectorParts } from './vector-dataset.js'

/**
 * Holds out queries of an embedded data set, by the rules of `splitDataset`: queries with equal vectors (or texts, where they
 * are known) stay together, with `by: 'document'` also queries that share a relevant document or a copy of it.
 *
 * Queries without a relevant document cannot be scored and stay in the training part. Each part has its own queries and all of
 * the documents.
 *
 * @throws USAGE when an option is wrong
 * @throws DATASET_SPLIT when there are too few queries, or too many of them belong together
 */
export function splitEmbedded<V extends Rows = Matrix>(
  data: VectorDataset<V>,
  options: SplitDatasetOptions,
): VectorParts<V> {
  const { queryIds, docIds, queries, positives, docTextGroup, queryTexts } = data
  const { validation = 0, test = 0 } = options.fractions
  if (validation === 0 && test === 0) return { train: data }
  // Equal things get equal texts, which is all that a split looks at.
  const queryGroup = groupRows(
    queries,
    queryTexts?.map(text => (text === undefined ? undefined : foldText(text))),
  )
  const scored = queryIds.flatMap((_, i) => (positives[i].size > 0 ? [i] : []))
  const split = splitDataset(
    {
      name: data.baseId,
      queries: new Map(scored.map(i => [queryIds[i], String(queryGroup[i])])),
      corpus: new Map(docIds.map((id, i) => [id, String(docTextGroup[i])])),
      qrels: new Map(
        scored.map(i => [queryIds[i], new Map(Array.from(positives[i], ([doc, grade]) => [docIds[doc], grade]))]),
      ),
    },
    options,
  )
  const heldOut = (['validation', 'test'] as const).filter(part => split[part] !== undefined)
  const isHeldOut = (id: string): boolean => heldOut.some(part => split[part]!.queries.has(id))
  return {
    train: takeQueries(data, id => !isHeldOut(id)),
    ...Object.fromEntries(heldOut.map(part => [part, takeQueries(data, id => split[part]!.queries.has(id))])),
  }
}

function takeQueries<V extends Rows>(data: VectorDataset<V>, wanted: (id: string) => boolean): VectorDataset<V> {
  const rows = data.queryIds.flatMap((id, i) => (wanted(id) ? [i] : []))
  return {
    ...data,
    queryIds: rows.map(i => data.queryIds[i]),
    queries: take(data.queries, rows),
    positives: rows.map(i => data.positives[i]),
    ...(data.judgedNegatives && { judgedNegatives: rows.map(i => data.judgedNegatives![i]) }),
    ...(data.queryTexts && { queryTexts: rows.map(i => data.queryTexts![i]) }),
  }
}

/** Copies rows that are in memory; others stay where they are. */
function take<V extends Rows>(from: V, rows: readonly number[]): V {
  const part: Rows = isInMemory(from) ? takeRows(from, rows) : selectedRows(from, Uint32Array.from(rows))
  return part as V
}

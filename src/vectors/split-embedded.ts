import { hash } from 'node:crypto'
import { type SplitDatasetOptions, splitDataset } from '../dataset/split.js'
import { foldText } from '../dataset/text.js'
import { type EmbeddedDataset, selectQueries, type Texts, type VectorParts } from '../embed/embedded-dataset.js'
import { type Matrix, row, takeRows } from '../math/matrix.js'
import { blocksOf, isInMemory, type Rows, selectedRows } from '../math/row-source.js'
import { groupRows } from './row-groups.js'

/**
 * Holds out queries by the rules of `splitDataset`: queries with equal vectors or texts stay together, with `by: 'document'` also
 * queries that share a relevant document or a copy of it. Queries without a relevant document cannot be scored and stay in the
 * training set. Each part has its own queries and all documents.
 */
export function splitEmbedded<V extends Rows = Matrix>(data: EmbeddedDataset<V>, options: SplitDatasetOptions): VectorParts<V> {
  const { queryIds, docIds, queries, positives, docTextGroup, queryTexts } = data
  const { validation = 0, test = 0 } = options.fractions
  if (validation === 0 && test === 0) return { train: data }
  // Equal things get equal texts, which is all that a split looks at.
  const folded = queryTexts?.map(text => (text === undefined ? undefined : foldText(text)))
  const queryGroup = groupRows(queries, folded)
  const queryNames = namesOf(queries, queryGroup, queryTexts)
  const byDocument = options.by === 'document' || options.by === 'group'
  const documentNames = byDocument ? namesOf(data.docs, docTextGroup, data.docTexts) : []
  const scored = queryIds.flatMap((_, i) => (positives[i].size > 0 ? [i] : []))
  const judged = (i: number) => new Map(Array.from(positives[i], ([doc, grade]) => [docIds[doc], grade]))
  const dataset = {
    name: data.baseId,
    queries: new Map(scored.map(i => [queryIds[i], queryNames[i]])),
    corpus: new Map(documentNames.map((name, i) => [docIds[i], name])),
    qrels: new Map(scored.map(i => [queryIds[i], judged(i)])),
  }
  const split = splitDataset(dataset, options)
  const heldOut = (['validation', 'test'] as const).filter(part => split[part] !== undefined)
  const isHeldOut = (id: string): boolean => heldOut.some(part => split[part]!.queries.has(id))
  return {
    train: takeQueries(data, id => !isHeldOut(id)),
    ...Object.fromEntries(heldOut.map(part => [part, takeQueries(data, id => split[part]!.queries.has(id))])),
  }
}

/** Names the group of each row by the text of its first row, or by its vector: the same whatever other rows there are. */
function namesOf(rows: Rows, groups: Uint32Array, texts: Texts | undefined): string[] {
  const names = new Map<number, string>()
  for (const { start, block } of blocksOf(rows)) {
    for (let i = 0; i < block.rows; i++) {
      const group = groups[start + i]
      const text = texts?.[start + i]
      if (names.has(group)) continue
      const { buffer, byteOffset, byteLength } = row(block, i)
      const vector = new Uint8Array(buffer, byteOffset, byteLength)
      names.set(group, text === undefined ? hash('sha256', vector) : foldText(text))
    }
  }
  return Array.from(groups, group => names.get(group)!)
}

function takeQueries<V extends Rows>(data: EmbeddedDataset<V>, wanted: (id: string) => boolean): EmbeddedDataset<V> {
  const rows = data.queryIds.flatMap((id, i) => (wanted(id) ? [i] : []))
  return { ...selectQueries(data, rows), queries: take(data.queries, rows) }
}

/** Copies rows that are in memory; others stay where they are. */
function take<V extends Rows>(from: V, rows: readonly number[]): V {
  const part: Rows = isInMemory(from) ? takeRows(from, rows) : selectedRows(from, Uint32Array.from(rows))
  return part as V
}

import type { QADataset } from '../../dataset/dataset.js'
import type { Rows } from '../../math/row-source.js'
import type { VectorDataset } from '../../vectors/vector-dataset.js'

/** Reads the text of a document by its id; `undefined` where it is not known. */
export function textOfDocuments(data: QADataset | VectorDataset<Rows> | undefined): (id: string) => string | undefined {
  if (data === undefined) return () => undefined
  if ('corpus' in data) return id => data.corpus.get(id)
  const { docIds, docTexts } = data
  if (!docTexts) return () => undefined
  const rowOf = new Map(docIds.map((id, row) => [id, row]))
  return id => docTexts[rowOf.get(id) ?? -1]
}

import { createHash } from 'node:crypto'
import type { QADataset } from './dataset.js'
import { byCodeUnit } from './text.js'

/**
 * SHA-256 (64 hexadecimal digits) of a dataset's ids, texts and grades, whatever its name, file format and order.
 *
 * Hashed are lines of JSON, `["query",id,text]`, `["document",id,text]`, `["qrel",queryId,documentId,grade]`, in this
 * order, each kind sorted by id in code units.
 */
export function hashDataset(dataset: QADataset): string {
  const hash = createHash('sha256')
  const line = (...cells: (string | number)[]) => hash.update(`${JSON.stringify(cells)}\n`)
  for (const [id, text] of sorted(dataset.queries)) line('query', id, text)
  for (const [id, text] of sorted(dataset.corpus)) line('document', id, text)
  for (const [query, judged] of sorted(dataset.qrels)) {
    for (const [document, grade] of sorted(judged)) line('qrel', query, document, grade)
  }
  return hash.digest('hex')
}

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => byCodeUnit(a, b))

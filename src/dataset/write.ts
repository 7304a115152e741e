import { writeFileAtomic } from '../write-file-atomic.js'
import type { QADataset } from './dataset.js'
import { linesToBytes } from './writers/writer.js'

/**
 * Writes a data set as LlamaIndex's EmbeddingQAFinetuneDataset, one entry a line, all or nothing.
 *
 * A query whose grades are all 1 gets a list of document ids, which LlamaIndex reads; any other an object of id to grade.
 *
 * @throws FILE_WRITE
 */
export function writeLlamaIndex(dataset: QADataset, path: string): void {
  writeFileAtomic(path, llamaIndexBytes(dataset, { grades: true }))
}

/**
 * A data set as LlamaIndex's JSON.
 * @param options whether grades are kept, as an object of id to grade that LlamaIndex itself does not read
 */
export function llamaIndexBytes(dataset: QADataset, { grades }: { readonly grades: boolean }): Uint8Array {
  const texts = (map: ReadonlyMap<string, string>) => [...map].map(([id, text]) => member(id, JSON.stringify(text)))
  const relevant = [...dataset.qrels].map(([query, judged]) => member(query, relevantDocs(judged, grades)))
  return Buffer.concat([
    Buffer.from('{\n'),
    section('queries', texts(dataset.queries)),
    section('corpus', texts(dataset.corpus)),
    section('relevant_docs', relevant),
    Buffer.from('"mode": "text"\n}\n'),
  ])
}

/** Written out member by member, as a JavaScript object would reorder ids that look like numbers. */
function member(key: string, json: string): string {
  return `${JSON.stringify(key)}: ${json}`
}

function relevantDocs(judged: ReadonlyMap<string, number>, grades: boolean): string {
  const documents = grades ? [...judged] : [...judged].filter(([, grade]) => grade > 0)
  if (!grades || documents.every(([, grade]) => grade === 1)) return JSON.stringify(documents.map(([id]) => id))
  return `{${documents.map(([id, grade]) => member(id, String(grade))).join(', ')}}`
}

function section(name: string, members: readonly string[]): Buffer {
  const lines = members.map((line, i) => `    ${line}${i === members.length - 1 ? '' : ','}`)
  return linesToBytes([`${JSON.stringify(name)}: {`, ...lines, '},'])
}

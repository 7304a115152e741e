import type { QADataset } from '../dataset.js'
import { type DatasetWriter, linesToBytes } from './writer.js'

/** JSON Lines: a judgement a line with its texts, then the documents that nobody judged. */
export const jsonl = {
  name: 'jsonl',
  description: 'train.jsonl, val.jsonl and test.jsonl, a judgement a line with both texts and the grade',
  partFiles: { train: 'train.jsonl', validation: 'val.jsonl', test: 'test.jsonl' },
  encode: part => linesToBytes(recordLines(part)),
  losses: () => [],
} as const satisfies DatasetWriter

function* recordLines({ queries, corpus, qrels }: QADataset): Generator<string> {
  const judgedDocuments = new Set<string>()
  for (const [query_id, query] of queries) {
    for (const [document_id, grade] of qrels.get(query_id) ?? []) {
      judgedDocuments.add(document_id)
      yield JSON.stringify({ query_id, query, document_id, document: corpus.get(document_id), grade })
    }
  }
  for (const [document_id, document] of corpus) {
    if (!judgedDocuments.has(document_id)) yield JSON.stringify({ document_id, document })
  }
}

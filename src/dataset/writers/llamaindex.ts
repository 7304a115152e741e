import { writeFileAtomic } from '../../files.js'
import type { QADataset } from '../dataset.js'
import { countGrades, type DatasetWriter, linesToBytes } from './writer.js'

/**
 * LlamaIndex's EmbeddingQAFinetuneDataset, one file per split, with only judgements above 0.
 * @see https://docs.llamaindex.ai/en/stable/examples/finetuning/embeddings/finetune_embedding/
 */
export const llamaindex = {
  name: 'llamaindex',
  description: 'train_dataset.json, val_dataset.json and test_dataset.json, as LlamaIndex reads them; no grades',
  partFiles: { train: 'train_dataset.json', validation: 'val_dataset.json', test: 'test_dataset.json' },
  encode: part => llamaIndexBytes(part, { grades: false }),
  losses(parts) {
    const { changed, negatives } = countGrades(parts, grade => grade !== 1)
    const remedy = 'LlamaIndex has no grades; --format beir or jsonl keeps them.'
    return [
      ...(changed > 0 ? [`${changed} grades other than 1 became 1: ${remedy}`] : []),
      ...(negatives > 0
        ? [`${negatives} judgements "not relevant" are left out, their documents stay in the corpus: ${remedy}`]
        : []),
    ]
  },
} as const satisfies DatasetWriter

/**
 * Writes a dataset as LlamaIndex's EmbeddingQAFinetuneDataset, one entry per line, all or nothing. A query whose grades
 * are all 1 gets a list of document ids, which LlamaIndex reads; any other an object of id to grade.
 * @throws FILE_WRITE
 */
export function writeLlamaIndex(dataset: QADataset, path: string): void {
  writeFileAtomic(path, llamaIndexBytes(dataset, { grades: true }))
}

/** @param grades true to keep grades, as an object of id to grade that LlamaIndex itself does not read */
function llamaIndexBytes(dataset: QADataset, { grades }: { readonly grades: boolean }): Uint8Array {
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

// A JavaScript object would reorder ids that look like numbers.
const member = (key: string, json: string): string => `${JSON.stringify(key)}: ${json}`

function relevantDocs(judged: ReadonlyMap<string, number>, grades: boolean): string {
  const documents = grades ? [...judged] : [...judged].filter(([, grade]) => grade > 0)
  if (!grades || documents.every(([, grade]) => grade === 1)) return JSON.stringify(documents.map(([id]) => id))
  return `{${documents.map(([id, grade]) => member(id, String(grade))).join(', ')}}`
}

function section(name: string, members: readonly string[]): Buffer {
  const lines = members.map((line, i) => `    ${line}${i === members.length - 1 ? '' : ','}`)
  return linesToBytes([`${JSON.stringify(name)}: {`, ...lines, '},'])
}

import { AdapterTrainError } from '../../errors.js'
import { quote } from '../check.js'
import type { QADataset } from '../dataset.js'
import type { DatasetSplit } from '../split.js'
import { countGrades, type DatasetWriter, linesToBytes, partsOf } from './writer.js'

/** Ids that a tab-separated file cannot hold, as BEIR's reader takes quotes at the start of a cell for CSV quoting. */
const NOT_IN_A_CELL = /[\t\r\n]|^[\s"]|\s$/

/**
 * A BEIR folder: one corpus and one file of queries for all parts, and a file of judgements for each. A grade is a
 * whole number, as BEIR reads no other.
 * @see https://github.com/beir-cellar/beir/wiki/Load-your-custom-dataset
 */
export const beir = {
  name: 'beir',
  description: 'a BEIR folder: corpus.jsonl, queries.jsonl and qrels/train.tsv, dev.tsv, test.tsv; whole grades',
  partFiles: { train: 'qrels/train.tsv', validation: 'qrels/dev.tsv', test: 'qrels/test.tsv' },
  sharedFiles: {
    'corpus.jsonl': parts => linesToBytes(textLines(merged(parts, 'corpus'), { title: '' })),
    'queries.jsonl': parts => linesToBytes(textLines(merged(parts, 'queries'))),
  },
  encode: part => linesToBytes(qrelLines(part)),
  losses(parts) {
    for (const [part, { queries, corpus }] of partsOf(parts)) {
      const id = [...queries.keys(), ...corpus.keys()].find(key => NOT_IN_A_CELL.test(key))
      if (id === undefined) continue
      const problem = 'holds a tab or line break, or starts or ends with white space or a quote'
      throw unwritable(id, `(${part}) ${problem}, which its tab-separated qrels cannot hold`)
    }
    merged(parts, 'queries')
    merged(parts, 'corpus')
    const { changed } = countGrades(parts, grade => !Number.isInteger(grade))
    const rounded = 'grades were rounded to whole numbers of at least 1, as BEIR reads no others'
    return changed === 0 ? [] : [`${changed} ${rounded}; --format jsonl keeps them.`]
  },
} as const satisfies DatasetWriter

function unwritable(id: string, problem: string): AdapterTrainError {
  const message = `cannot write a BEIR folder: the id ${quote(id)} ${problem}. Rename it, or write llamaindex or jsonl.`
  return new AdapterTrainError('DATASET_FORMAT', message, { details: { id } })
}

function* qrelLines({ queries, qrels }: QADataset): Generator<string> {
  yield 'query-id\tcorpus-id\tscore'
  for (const query of queries.keys()) {
    for (const [document, grade] of qrels.get(query) ?? []) {
      yield `${query}\t${document}\t${grade === 0 ? 0 : Math.max(1, Math.round(grade))}`
    }
  }
}

function merged(parts: DatasetSplit, side: 'queries' | 'corpus'): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [part, dataset] of partsOf(parts)) {
    for (const [id, text] of dataset[side]) {
      if ((texts.get(id) ?? text) !== text) {
        const problem = 'and a BEIR folder has one corpus and one file of queries'
        throw unwritable(id, `has another text in the ${part} part, ${problem}`)
      }
      texts.set(id, text)
    }
  }
  return texts
}

function* textLines(texts: ReadonlyMap<string, string>, rest: { readonly title?: string } = {}): Generator<string> {
  for (const [_id, text] of texts) yield JSON.stringify({ _id, ...rest, text })
}

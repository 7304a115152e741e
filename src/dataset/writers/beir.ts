import { AdapterTrainError } from '../../errors.js'
import { quote } from '../check.js'
import type { QADataset } from '../dataset.js'
import type { DatasetSplit } from '../split.js'
import { countGrades, type DatasetWriter, linesToBytes, partsOf } from './writer.js'

const partFiles = { train: 'qrels/train.tsv', validation: 'qrels/dev.tsv', test: 'qrels/test.tsv' } as const
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
  partFiles,
  sharedFiles: ['corpus.jsonl', 'queries.jsonl'],
  files(parts) {
    return [
      { path: 'corpus.jsonl', content: () => linesToBytes(textLines(merged(parts, 'corpus'), { title: '' })) },
      { path: 'queries.jsonl', content: () => linesToBytes(textLines(merged(parts, 'queries'))) },
      ...partsOf(parts).map(([part, dataset]) => ({
        path: partFiles[part],
        content: () => linesToBytes(qrelLines(dataset)),
      })),
    ]
  },
  losses(parts) {
    for (const [part, { queries, corpus }] of partsOf(parts)) {
      const id = [...queries.keys(), ...corpus.keys()].find(key => NOT_IN_A_CELL.test(key))
      if (id === undefined) continue
      const problem = `the id ${quote(id)} (${part}) holds a tab or line break, or starts or ends with white space or a quote`
      throw new AdapterTrainError(
        'DATASET_FORMAT',
        `cannot write a BEIR folder: ${problem}, which its tab-separated qrels cannot hold. Rename it, or write llamaindex or jsonl.`,
        { details: { id } },
      )
    }
    merged(parts, 'queries')
    merged(parts, 'corpus')
    const { changed } = countGrades(parts, grade => !Number.isInteger(grade))
    if (changed === 0) return []
    return [
      `${changed} grades were rounded to whole numbers of at least 1, as BEIR reads no others; --format jsonl keeps them.`,
    ]
  },
} as const satisfies DatasetWriter

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
        throw new AdapterTrainError(
          'DATASET_FORMAT',
          `cannot write a BEIR folder: the id ${quote(id)} has another text in the ${part} part, and a BEIR folder has one corpus and one file of queries. Rename it, or write llamaindex or jsonl.`,
          { details: { id } },
        )
      }
      texts.set(id, text)
    }
  }
  return texts
}

function* textLines(texts: ReadonlyMap<string, string>, rest: { readonly title?: string } = {}): Generator<string> {
  for (const [_id, text] of texts) yield JSON.stringify({ _id, ...rest, text })
}

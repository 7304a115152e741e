import type { DatasetFormatName } from '../../dataset/formats/index.js'
import { DATASET_FORMATS } from '../../dataset/formats/index.js'
import { DATASET_WRITERS, type DatasetWriterName } from '../../dataset/writers/index.js'
import { TRAIN_DEFAULTS } from '../../train/defaults.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { integer, text } from '../options/checks.js'
import { splitShares } from '../options/split-shares.js'

const [input, output] = ['Input:', 'Output:']
const field = (name: string, describe: string) =>
  ({
    group: input,
    type: 'string',
    coerce: text(name),
    describe: `name of the field or column with ${describe}`,
  }) as const

const options = defineOptions({
  query: field('query', 'the query'),
  document: field('document', 'the document that answers it'),
  'query-id': field('query-id', 'the id of the query'),
  'document-id': field('document-id', 'the id of the document'),
  grade: field('grade', 'the grade, 0 for a document that is judged not relevant'),
  negative: field('negative', 'a document that is judged not relevant, or a list of them'),
  corpus: {
    group: input,
    type: 'string',
    coerce: text('corpus'),
    describe: 'documents of a search log that names them by id (JSON Lines, JSON, CSV or TSV with id and text)',
  },
  'min-clicks': {
    group: input,
    type: 'number',
    coerce: integer('min-clicks', 1),
    describe: 'clicks that make a document of a search log relevant, at the least (default: 1)',
  },
  'input-format': {
    group: input,
    choices: DATASET_FORMATS.map(({ name }) => name),
    describe: 'format of the inputs (default: recognised by their content)',
  },
  'skip-invalid': {
    group: input,
    type: 'boolean',
    default: false,
    describe: 'leave invalid entries out and list them, instead of stopping',
  },
  out: { group: output, type: 'string', default: 'data', coerce: text('out'), describe: 'folder to write to' },
  format: {
    group: output,
    choices: DATASET_WRITERS.map(({ name }) => name),
    default: DATASET_WRITERS[0].name,
    describe: 'what to write; llamaindex has no grades, beir and jsonl have',
  },
  split: {
    group: output,
    type: 'string',
    default: '0.8,0.1,0.1',
    coerce: splitShares,
    describe: 'shares of the queries for training, validation and test; 1 for training alone',
  },
  'split-by': {
    group: output,
    choices: ['document', 'query'],
    default: 'document',
    describe: 'what no two parts share: documents and queries, or queries alone (each part then has all documents)',
  },
  seed: {
    group: output,
    type: 'number',
    default: TRAIN_DEFAULTS.seed,
    coerce: integer('seed', 0),
    describe: 'seed of the split',
  },
  overwrite: { group: output, type: 'boolean', default: false, describe: 'replace files that are there' },
  ...outputOptions,
})

export interface ImportArgs extends OutputArgs {
  readonly files: readonly string[]
  readonly query?: string
  readonly document?: string
  readonly queryId?: string
  readonly documentId?: string
  readonly grade?: string
  readonly negative?: string
  readonly corpus?: string
  readonly minClicks?: number
  readonly inputFormat?: DatasetFormatName
  readonly skipInvalid: boolean
  readonly out: string
  readonly format: DatasetWriterName
  readonly split: { readonly validation: number; readonly test: number }
  readonly splitBy: 'document' | 'query'
  readonly seed: number
  readonly overwrite: boolean
}

/** `adapter-train import` */
export const importCommand: Command<ImportArgs> = {
  form: 'import <files..>',
  group: 'Get data',
  describe: 'make training, validation and test sets of question-answer data',
  positionals: { files: { type: 'string', array: true, describe: 'data in any of the formats', demandOption: true } },
  options,
  examples: [
    ['import faq.csv --query question --document answer', 'columns by your names, to data/train_dataset.json, ...'],
    ['import squad.json triplets.jsonl --format beir --out beir/', 'several inputs merged, written as a BEIR folder'],
    ['import clicks.jsonl --corpus docs.jsonl --min-clicks 2 --format jsonl', 'a search log, clicks as grades'],
  ],
  async run(args) {
    const { importData } = await import('../actions/import.js')
    await importData(args)
    return undefined
  },
}

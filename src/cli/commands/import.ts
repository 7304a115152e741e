import { TRAIN_DEFAULTS } from '../../train/options.js'
import { type Command, outputOptions } from '../command.js'
import { datasetOptions, writerOptions } from '../options/dataset-options.js'
import { type ArgsOf, choice, dir, file, flag, inGroup, integer, name } from '../options/rows.js'

const positionals = { files: file('data in any of the formats', { array: true, demandOption: true }) }

const options = {
  ...inGroup('Input', {
    query: name('field or column of the query'),
    document: name('field or column of the document that answers it'),
    'query-id': name('field or column of the id of the query'),
    'document-id': name('field or column of the id of the document'),
    grade: name('field or column of the grade, 0 for a document judged not relevant'),
    negative: name('field or column of one or more documents judged not relevant'),
    corpus: file('documents of a search log that names them by id (id and text in any format, or a dataset)'),
    'min-clicks': integer('clicks that make a document of a search log relevant (default: 1)', { min: 1 }),
    'input-format': choice(datasetOptions.format.choices, 'format of the inputs (default: recognised by their content)'),
    'skip-invalid': flag(datasetOptions['skip-invalid'].describe),
  }),
  ...inGroup('Output', {
    out: dir('folder to write to', { default: 'data' }),
    ...writerOptions('format to write; llamaindex has no grades, beir and jsonl have', 'queries'),
    'split-by': choice(
      ['document', 'query', 'time'],
      'what stays together: queries of one document, or equal queries alone; time holds out the latest of a search log',
      { default: 'document' },
    ),
    seed: integer('seed of the split', { min: 0, default: TRAIN_DEFAULTS.seed }),
    overwrite: flag('existing files replaced'),
  }),
  ...outputOptions,
}

export type ImportArgs = ArgsOf<typeof positionals & typeof options>

export const importCommand: Command = {
  form: 'import <files..>',
  group: 'Get data',
  describe: 'Make training, validation and test sets from your own data',
  positionals,
  options,
  examples: [
    ['import faq.csv --query question --document answer', 'columns by your names, to data/train_dataset.json, ...'],
    ['import squad.json triplets.jsonl --format beir --out beir/', 'several inputs merged, written as a BEIR folder'],
    ['import clicks.jsonl --corpus docs.jsonl --min-clicks 2 --format jsonl', 'a search log, clicks as grades'],
  ],
}

import { type Command, outputOptions } from '../command.js'
import { datasetOptions, splitOption } from '../options/dataset-options.js'
import { indexOptions } from '../options/index-options.js'
import { adapterBaseOptions } from '../options/provider-options.js'
import { type ArgsOf, file, flag, inGroup, integer, text } from '../options/rows.js'

const explainOptions = {
  ...adapterBaseOptions,
  ...inGroup('Data', { data: file('dataset with the documents; its relevance judgements mark the relevant ones') }),
  ...indexOptions,
  ...datasetOptions,
  ...splitOption,
  adapter: file('adapter to explain', { demandOption: true }),
  'allow-mismatch': flag("rankings even if the provider is not the adapter's base"),
  top: integer('number of documents to show', { min: 1, default: 10 }),
}

const options = { query: text('text to search for', { demandOption: true }), ...explainOptions, ...outputOptions }
const { json: _, ...tryOutputOptions } = outputOptions
const tryOptions = { ...explainOptions, ...tryOutputOptions }

/** Arguments of `explain`; those of `try` have neither query nor `json`. */
export type ExplainArgs = ArgsOf<typeof tryOptions> & Partial<ArgsOf<typeof options>>

export const explainCommand: Command = {
  form: 'explain',
  group: 'Evaluate',
  describe: 'Show the top documents of a query before and after an adapter',
  options,
  examples: [
    ['explain --query "card declined" --adapter adapters/x.json --data test.json', 'both rankings side by side'],
    ['explain --query "card declined" --adapter adapters/x.json --data test.json --top 3 --json', 'for programs'],
    ['explain --query "card declined" --adapter adapters/x.json --index lancedb:///srv/lance#docs', 'the documents of an index'],
  ],
}

export const tryCommand: Command = {
  form: 'try',
  group: 'Evaluate',
  describe: 'Run explain interactively, one query per line',
  options: tryOptions,
  examples: [
    ['try --adapter adapters/x.json --data test.json', 'queries typed by hand, up to an empty line'],
    ['try --adapter adapters/x.json --data test.json --top 3 < queries.txt', 'a file of queries, one per line'],
  ],
}

import { type Command, outputOptions } from '../command.js'
import { splitOption } from '../options/dataset-options.js'
import { lookOptions } from '../options/look-options.js'
import { type ArgsOf, file, inGroup, integer } from '../options/rows.js'

const options = {
  ...lookOptions,
  ...splitOption,
  ...inGroup('Output', {
    export: file('one HTML file with the results of the first queries, instead of a page that is served'),
    'export-queries': integer('queries in that file, wins and losses first', { min: 1, default: 50 }),
  }),
  ...outputOptions,
  json: { ...outputOptions.json, describe: 'address of the page as one JSON object on stdout' },
}

export type ViewArgs = ArgsOf<typeof options>

export const viewCommand: Command = {
  form: 'view',
  group: 'Evaluate',
  describe: 'Show in a browser what adapters, BM25 and a hybrid search change',
  options,
  examples: [
    ['view --data test.json --adapter adapters/x.json', 'a page on this machine, searches side by side'],
    ['view --data test.json --adapter adapters/x.json --export view.html', 'a file to share, which needs no server'],
  ],
}

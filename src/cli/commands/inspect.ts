import { type Command, outputOptions } from '../command.js'
import { datasetOptions, splitOption } from '../options/dataset-options.js'
import { type ArgsOf, file } from '../options/rows.js'

const positionals = { files: file('adapter files or datasets', { array: true, demandOption: true }) }

const options = {
  ...datasetOptions,
  'skip-invalid': {
    ...datasetOptions['skip-invalid'],
    describe: 'no effect here: invalid entries are always listed and left out',
  },
  ...splitOption,
  ...outputOptions,
}

export type InspectArgs = ArgsOf<typeof positionals & typeof options>

export const inspectCommand: Command = {
  form: 'inspect <files..>',
  group: 'Get data',
  describe: 'Show the contents of adapter files and datasets',
  positionals,
  options,
  examples: [
    ['inspect adapters/x.json', 'base, kind, training facts'],
    ['inspect train.json test.json', 'counts, lengths, duplicates, suspicious queries, overlap, cost'],
  ],
}

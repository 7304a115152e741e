import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { type DatasetArgs, datasetOptions, type SplitArgs, splitOption } from '../options/dataset-options.js'

const options = defineOptions({
  ...datasetOptions,
  'skip-invalid': {
    ...datasetOptions['skip-invalid'],
    describe: 'makes no difference here: what is invalid is always listed and left out',
  },
  ...splitOption,
  ...outputOptions,
})

export interface InspectArgs extends DatasetArgs, SplitArgs, OutputArgs {
  readonly files: readonly string[]
}

/** `adapter-train inspect` */
export const inspectCommand: Command<InspectArgs> = {
  form: 'inspect <files..>',
  group: 'Get data',
  describe: 'show what is in adapter files and data sets',
  positionals: { files: { type: 'string', array: true, describe: 'adapter files or data sets', demandOption: true } },
  options,
  examples: [
    ['inspect adapters/x.json', 'base, kind, training facts'],
    ['inspect train.json test.json', 'counts, lengths, duplicates, suspicious queries, overlap, cost'],
  ],
  async run(args) {
    const { inspect } = await import('../actions/inspect.js')
    await inspect(args)
    return undefined
  },
}

import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { type DatasetArgs, datasetOptions, type SplitArgs, splitOption } from '../dataset-options.js'

const options = defineOptions({ ...datasetOptions, ...splitOption, ...outputOptions })

export interface InspectArgs extends DatasetArgs, SplitArgs, OutputArgs {
  readonly files: readonly string[]
}

/** `adapter-train inspect` */
export const inspectCommand: Command<InspectArgs> = {
  options,
  command: 'inspect <files..>',
  describe: 'show what is in adapter files and data sets',
  builder: yargs =>
    yargs
      .positional('files', { type: 'string', array: true, describe: 'adapter files or data sets', demandOption: true })
      .options(options)
      .example([
        ['$0 inspect adapters/x.json', 'base, kind, training facts'],
        ['$0 inspect train.json test.json', 'counts, lengths, duplicates, overlap'],
      ]) as never,
  handler: async args => {
    const { inspect } = await import('../actions/inspect.js')
    await inspect(args)
  },
}

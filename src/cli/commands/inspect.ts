import type { CommandModule, Options } from 'yargs'
import { type OutputArgs, outputOptions } from '../command.js'
import { type DatasetArgs, datasetOptions } from '../dataset-options.js'

const options = { ...datasetOptions, ...outputOptions } as const satisfies Record<string, Options>

export interface InspectArgs extends DatasetArgs, OutputArgs {
  readonly files: readonly string[]
}

/** `adapter-train inspect` */
export const inspectCommand: CommandModule<object, InspectArgs> = {
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

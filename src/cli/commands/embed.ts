import type { CommandModule, Options } from 'yargs'
import { type OutputArgs, outputOptions } from '../command.js'
import { type DatasetArgs, datasetOptions } from '../dataset-options.js'
import { type ProviderArgs, providerOptions } from '../provider-options.js'

const options = {
  ...providerOptions,
  base: { ...providerOptions.base, default: 'hashing' },
  ...datasetOptions,
  estimate: {
    type: 'boolean',
    default: false,
    describe: 'only say what is missing and what it would cost; send nothing',
  },
  ...outputOptions,
} as const satisfies Record<string, Options>

export interface EmbedArgs extends ProviderArgs, DatasetArgs, OutputArgs {
  readonly base: string
  readonly data: readonly string[]
  readonly estimate: boolean
}

/** `adapter-train embed` */
export const embedCommand: CommandModule<object, EmbedArgs> = {
  command: 'embed <data..>',
  describe: 'embed data sets into the cache, or estimate what that costs',
  builder: yargs =>
    yargs
      .positional('data', { type: 'string', array: true, describe: 'data sets', demandOption: true })
      .options(options)
      .example([
        ['$0 embed train.json test.json --base openai --estimate', 'tokens and cost, before anything is sent'],
        ['$0 embed train.json test.json --base openai', 'fill the cache'],
      ]) as never,
  handler: async args => {
    const { embed } = await import('../actions/embed.js')
    await embed(args)
  },
}

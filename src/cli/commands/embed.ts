import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { type BatchArgs, batchOptions } from '../options/batch-options.js'
import { type DatasetArgs, datasetOptions, type SplitArgs, splitOption } from '../options/dataset-options.js'
import { type ProviderArgs, providerOptions } from '../options/provider-options.js'

const options = defineOptions({
  ...providerOptions,
  base: { ...providerOptions.base, default: 'hashing' },
  ...datasetOptions,
  ...splitOption,
  ...batchOptions,
  estimate: {
    type: 'boolean',
    default: false,
    describe: 'only say what is missing and what it would cost; send nothing',
  },
  ...outputOptions,
})

export interface EmbedArgs extends ProviderArgs, BatchArgs, DatasetArgs, SplitArgs, OutputArgs {
  readonly base: string
  readonly data: readonly string[]
  readonly estimate: boolean
}

/** `adapter-train embed` */
export const embedCommand: Command<EmbedArgs> = {
  form: 'embed <data..>',
  group: 'Get data',
  describe: 'embed data sets into the cache, or estimate what that costs',
  positionals: { data: { type: 'string', array: true, describe: 'data sets', demandOption: true } },
  options,
  examples: [
    ['embed train.json test.json --base openai --estimate', 'tokens and cost, before anything is sent'],
    ['embed train.json test.json --base openai', 'fill the cache'],
    ['embed train.json test.json --base openai --batch-api', "at half the price, through OpenAI's Batch API"],
  ],
  async run(args) {
    const { embed } = await import('../actions/embed.js')
    await embed(args)
    return undefined
  },
}

import type { CommandModule, Options } from 'yargs'
import { DEFAULT_METRICS } from '../../evaluate/metrics/index.js'
import { text } from '../checks.js'
import { type OutputArgs, outputOptions } from '../command.js'
import { type DatasetArgs, datasetOptions } from '../dataset-options.js'
import { type ProviderArgs, providerOptions } from '../provider-options.js'

const options = {
  ...providerOptions,
  base: { ...providerOptions.base, default: 'hashing' },
  data: {
    group: 'Data:',
    type: 'string',
    demandOption: true,
    coerce: text('data'),
    describe: 'data set to evaluate on',
  },
  split: { group: 'Data:', type: 'string', coerce: text('split'), describe: 'split of a BEIR folder' },
  ...datasetOptions,
  adapter: { type: 'string', coerce: text('adapter'), describe: 'adapter file to compare with the base' },
  'allow-mismatch': {
    type: 'boolean',
    default: false,
    describe: "evaluate although the provider is not the adapter's base",
  },
  metrics: { type: 'array', string: true, default: DEFAULT_METRICS, describe: 'metrics as name@k' },
  ...outputOptions,
} as const satisfies Record<string, Options>

export interface EvaluateArgs extends ProviderArgs, DatasetArgs, OutputArgs {
  readonly base: string
  readonly data: string
  readonly split?: string
  readonly adapter?: string
  readonly allowMismatch: boolean
  readonly metrics: readonly string[]
}

/** `adapter-train evaluate` */
export const evaluateCommand: CommandModule<object, EvaluateArgs> = {
  command: 'evaluate',
  describe: 'score a base model, and an adapter on it, on labelled queries',
  builder: yargs =>
    yargs.options(options).example([
      ['$0 evaluate --base openai --data test.json', 'the base alone'],
      ['$0 evaluate --base openai --data test.json --adapter adapters/x.json', 'base and adapter'],
    ]) as never,
  handler: async args => {
    const { evaluate } = await import('../actions/evaluate.js')
    await evaluate(args)
  },
}

import { ENGINE_CHOICES } from '../../engines/index.js'
import { DEFAULT_METRICS } from '../../evaluate/metrics/index.js'
import { providerNames } from '../../providers/index.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { list, text } from '../options/checks.js'
import {
  type DatasetArgs,
  datasetOptions,
  memoryOption,
  type SplitArgs,
  splitOption,
} from '../options/dataset-options.js'
import { type ProviderArgs, providerOptions } from '../options/provider-options.js'
import { reportOption } from '../options/report-option.js'

const options = defineOptions({
  ...providerOptions,
  base: { ...providerOptions.base, choices: [...providerNames, 'vectors'], default: 'hashing' },
  vectors: {
    group: 'Data:',
    type: 'string',
    coerce: text('vectors'),
    describe: 'with --base vectors: folder as for train; its test part is evaluated where it has one',
  },
  data: {
    group: 'Data:',
    type: 'string',
    coerce: text('data'),
    describe: 'data set to evaluate on',
  },
  train: {
    group: 'Data:',
    type: 'string',
    coerce: text('train'),
    describe: 'training set of the adapter, to split the results by whether a document had training queries',
  },
  ...datasetOptions,
  ...splitOption,
  adapter: { type: 'string', coerce: text('adapter'), describe: 'adapter file to compare with the base' },
  'allow-mismatch': {
    type: 'boolean',
    default: false,
    describe: "evaluate although the provider is not the adapter's base",
  },
  metrics: {
    type: 'array',
    string: true,
    coerce: list('metrics'),
    default: DEFAULT_METRICS,
    describe: 'metrics as name@k, separated by blanks or commas',
  },
  engine: { choices: ENGINE_CHOICES, default: 'auto', describe: 'what computes' },
  memory: memoryOption,
  report: reportOption,
  ...outputOptions,
})

export interface EvaluateArgs extends ProviderArgs, DatasetArgs, SplitArgs, OutputArgs {
  readonly base: string
  readonly data?: string
  readonly train?: string
  readonly vectors?: string
  readonly adapter?: string
  readonly allowMismatch: boolean
  readonly engine: string
  readonly memory?: string
  readonly metrics: readonly string[]
  readonly report?: string
}

/** `adapter-train evaluate` */
export const evaluateCommand: Command<EvaluateArgs> = {
  form: 'evaluate',
  group: 'Judge',
  describe: 'score a base model, and an adapter on it, on labelled queries',
  options,
  examples: [
    ['evaluate --base openai --data test.json', 'the base alone'],
    ['evaluate --base openai --data test.json --adapter adapters/x.json', 'base and adapter'],
    ['evaluate --base vectors --vectors folder --adapter adapters/x.json', 'vectors of your own'],
  ],
  async run(args) {
    const { evaluate } = await import('../actions/evaluate.js')
    await evaluate(args)
    return undefined
  },
}

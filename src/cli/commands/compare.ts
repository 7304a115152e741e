import { ENGINE_CHOICES } from '../../engines/index.js'
import { COMPARE_METRICS } from '../../pipeline/compare/defaults.js'
import { TRAIN_DEFAULTS } from '../../train/defaults.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { CANDIDATE_FORM } from '../options/candidate-spec.js'
import { integer, list, text } from '../options/checks.js'
import {
  type DatasetArgs,
  datasetOptions,
  memoryOption,
  type SplitArgs,
  splitOption,
} from '../options/dataset-options.js'
import { type ProviderArgs, providerOptions } from '../options/provider-options.js'
import { reportOption } from '../options/report-option.js'

const group = 'Candidates:'
const { concurrency, timeout, retries, cache } = providerOptions

const options = defineOptions({
  candidate: { group, type: 'array', string: true, describe: `${CANDIDATE_FORM}, any number of them` },
  candidates: {
    group,
    type: 'string',
    coerce: text('candidates'),
    describe: 'YAML or JSON file with a list of candidates, each with any option of its provider',
  },
  'allow-mismatch': {
    group,
    type: 'boolean',
    default: false,
    describe: "evaluate although a base is not the adapter's",
  },
  data: {
    group: 'Data:',
    type: 'string',
    coerce: text('data'),
    describe: 'data set to compare on; not needed where all candidates are folders of vectors',
  },
  ...datasetOptions,
  ...splitOption,
  ...{ concurrency, timeout, retries, cache },
  metrics: {
    type: 'array',
    string: true,
    coerce: list('metrics'),
    default: COMPARE_METRICS,
    describe: 'metrics as name@k, separated by blanks or commas',
  },
  metric: {
    type: 'string',
    coerce: text('metric'),
    describe: `metric of the order and the tests (default: ${TRAIN_DEFAULTS.metric}, or the first of --metrics)`,
  },
  timing: {
    type: 'boolean',
    describe:
      'also time providers on the network, which sends them a few queries, past the cache; --no-timing times nothing (default: time ' +
      'what runs in this process)',
  },
  estimate: {
    type: 'boolean',
    default: false,
    describe: 'only check everything and say what is missing and what it would cost; send nothing',
  },
  seed: {
    type: 'number',
    coerce: integer('seed', 0),
    default: TRAIN_DEFAULTS.seed,
    describe: 'seed of the resampling',
  },
  engine: { choices: ENGINE_CHOICES, default: 'auto', describe: 'what computes' },
  memory: memoryOption,
  report: reportOption,
  ...outputOptions,
})

export interface CompareArgs
  extends Pick<ProviderArgs, 'concurrency' | 'timeout' | 'retries' | 'cache'>,
    DatasetArgs,
    SplitArgs,
    OutputArgs {
  readonly candidate?: readonly string[]
  readonly candidates?: string
  readonly allowMismatch: boolean
  readonly data?: string
  readonly metrics: readonly string[]
  readonly metric?: string
  readonly timing?: boolean
  readonly estimate: boolean
  readonly seed: number
  readonly engine: string
  readonly memory?: string
  readonly report?: string
}

/** `adapter-train compare` */
export const compareCommand: Command<CompareArgs> = {
  form: 'compare',
  group: 'Judge',
  describe: 'compare base models, adapters and folders of vectors on the same queries, and each pair of them',
  options,
  examples: [
    [
      'compare --data test.json --candidate hashing --candidate openai --candidate openai+adapters/x.json',
      'two bases, one of them with an adapter too',
    ],
    ['compare --data test.json --candidates models.yaml', 'candidates from a file'],
    ['compare --candidate vectors:a --candidate vectors:b', 'vectors of your own'],
  ],
  async run(args) {
    const { compare } = await import('../actions/compare.js')
    await compare(args)
    return undefined
  },
}

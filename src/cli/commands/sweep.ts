import { ENGINE_CHOICES } from '../../engines/index.js'
import { kebab } from '../../kebab.js'
import { providerNames } from '../../providers/index.js'
import { TRAIN_DEFAULTS } from '../../train/defaults.js'
import { GRID_OPTIONS } from '../../train/tune/grid.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { integer, number, text } from '../options/checks.js'
import { DATA_FILES } from '../options/data-files.js'
import { type DatasetArgs, datasetOptions, memoryOption } from '../options/dataset-options.js'
import { type ProviderArgs, providerOptions } from '../options/provider-options.js'
import { reportOption } from '../options/report-option.js'

const data = 'Data:'
/** Combinations above which a sweep is refused. */
const MOST_RUNS = 100

const options = defineOptions({
  ...providerOptions,
  base: { ...providerOptions.base, choices: [...providerNames, 'vectors'], default: 'hashing' },
  vectors: {
    group: data,
    type: 'string',
    coerce: text('vectors'),
    describe: 'with --base vectors: folder as for train',
  },
  train: {
    group: data,
    type: 'string',
    coerce: text('train'),
    describe: `training set (default: ${DATA_FILES.train})`,
  },
  test: { group: data, type: 'string', coerce: text('test'), describe: 'test set, to prove the best on' },
  'test-fraction': {
    group: data,
    type: 'number',
    coerce: number('test-fraction', { min: 0, max: 0.9 }),
    describe: 'share of the training queries to test on instead (default: 0)',
  },
  'split-by': {
    group: data,
    choices: ['query', 'document'] as const,
    default: 'query',
    describe: 'what stays together when splitting',
  },
  ...datasetOptions,
  grid: {
    type: 'array',
    string: true,
    demandOption: true,
    describe: `NAME=VALUE,VALUE,... to try, once for every option: ${GRID_OPTIONS.map(kebab).join(', ')}`,
  },
  'max-runs': {
    type: 'number',
    coerce: integer('max-runs', 1),
    default: MOST_RUNS,
    describe: 'combinations above which nothing is done',
  },
  metric: { type: 'string', coerce: text('metric'), default: TRAIN_DEFAULTS.metric, describe: 'metric to compare by' },
  seed: {
    type: 'number',
    coerce: integer('seed', 0),
    default: TRAIN_DEFAULTS.seed,
    describe: 'seed of every random choice',
  },
  engine: { choices: ENGINE_CHOICES, default: TRAIN_DEFAULTS.engine, describe: 'what computes' },
  memory: memoryOption,
  gate: {
    type: 'boolean',
    default: true,
    describe: 'save the identity instead of a best adapter that is not proven, with exit code 3',
  },
  'min-gain': {
    type: 'number',
    coerce: number('min-gain', { min: 0 }),
    describe: 'the least out-of-fold gain that counts as proven',
  },
  out: { type: 'string', alias: 'o', coerce: text('out'), describe: 'adapter file (default: adapters/<base>.json)' },
  report: reportOption,
  ...outputOptions,
})

export interface SweepArgs extends ProviderArgs, DatasetArgs, OutputArgs {
  readonly base: string
  readonly vectors?: string
  readonly train?: string
  readonly test?: string
  readonly testFraction?: number
  readonly splitBy: 'query' | 'document'
  readonly grid: readonly string[]
  readonly maxRuns: number
  readonly metric: string
  readonly seed: number
  readonly engine: string
  readonly memory?: string
  readonly gate: boolean
  readonly minGain?: number
  readonly out?: string
  readonly report?: string
}

/** `adapter-train sweep` */
export const sweepCommand: Command<SweepArgs> = {
  form: 'sweep',
  group: 'Train',
  describe: 'cross-validate combinations of training options on the same folds, and train the best on everything',
  options,
  examples: [
    ['sweep --train train.json --grid negatives=in-batch,positives --grid pull=10,100', 'four combinations'],
    [
      'sweep --train train.json --test test.json --grid kind=linear,low-rank --grid size=16',
      'prove the best on a test set',
    ],
  ],
  async run(args) {
    const { sweep } = await import('../actions/sweep.js')
    return sweep(args)
  },
}

import { ADAPTER_KIND_NAMES } from '../../adapters/index.js'
import { ENGINE_NAMES } from '../../engines/index.js'
import { NEGATIVES, type NegativesName } from '../../losses/index.js'
import { SPLIT_DEFAULTS } from '../../pipeline/split-defaults.js'
import { TRAIN_DEFAULTS } from '../../train/defaults.js'
import { integer, number, text } from '../checks.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { DATA_FILES } from '../data-files.js'
import { type DatasetArgs, datasetOptions } from '../dataset-options.js'
import { type ProviderArgs, providerOptions } from '../provider-options.js'

const data = 'Data:'
const training = 'Training:'
const D = TRAIN_DEFAULTS

const options = defineOptions({
  ...providerOptions,
  base: { ...providerOptions.base, default: 'hashing' },
  train: {
    group: data,
    type: 'string',
    coerce: text('train'),
    describe: `training set (default: ${DATA_FILES.train})`,
  },
  val: {
    group: data,
    type: 'string',
    coerce: text('val'),
    describe: `validation set (default: ${DATA_FILES.val} where the training set is the default too, else split off)`,
  },
  test: { group: data, type: 'string', coerce: text('test'), describe: 'test set (default: split off)' },
  'val-fraction': {
    group: data,
    type: 'number',
    coerce: number('val-fraction', { min: 0, max: 0.9 }),
    describe: `share of the training queries to validate on, where no file is given (default: ${SPLIT_DEFAULTS.valFraction})`,
  },
  'test-fraction': {
    group: data,
    type: 'number',
    coerce: number('test-fraction', { min: 0, max: 0.9 }),
    describe: `share of the training queries to test on, where no file is given (default: ${SPLIT_DEFAULTS.testFraction})`,
  },
  'split-by': {
    group: data,
    choices: ['query', 'document'] as const,
    default: SPLIT_DEFAULTS.splitBy,
    describe: 'what stays together when splitting',
  },
  ...datasetOptions,
  kind: { group: training, choices: ADAPTER_KIND_NAMES, default: D.kind, describe: 'adapter kind' },
  negatives: {
    group: training,
    choices: Object.keys(NEGATIVES),
    default: D.negatives,
    describe: 'what a positive is told apart from',
  },
  epochs: {
    group: training,
    type: 'number',
    coerce: integer('epochs', 1),
    default: D.epochs,
    describe: 'passes over the training pairs',
  },
  'batch-size': {
    group: training,
    type: 'number',
    coerce: integer('batch-size', 1),
    default: D.batchSize,
    describe: 'pairs in a step',
  },
  'learning-rate': {
    group: training,
    alias: 'lr',
    type: 'number',
    coerce: number('learning-rate', { min: 0, exclusive: true }),
    default: D.learningRate,
    describe: 'peak learning rate',
  },
  warmup: {
    group: training,
    type: 'number',
    coerce: number('warmup', { min: 0, max: 1 }),
    default: D.warmup,
    describe: 'share of the steps in which the learning rate rises',
  },
  scale: {
    group: training,
    type: 'number',
    coerce: number('scale', { min: 0, exclusive: true }),
    default: D.scale,
    describe: 'factor of the cosine, the inverse temperature',
  },
  'weight-decay': {
    group: training,
    type: 'number',
    coerce: number('weight-decay', { min: 0 }),
    default: D.weightDecay,
    describe: 'decay toward the identity',
  },
  'max-grad-norm': {
    group: training,
    type: 'number',
    coerce: number('max-grad-norm', { min: 0 }),
    default: D.maxGradNorm,
    describe: 'largest gradient norm; 0 for no clipping',
  },
  metric: {
    group: training,
    type: 'string',
    coerce: text('metric'),
    default: D.metric,
    describe: 'validation metric by which the best epoch is chosen',
  },
  patience: {
    group: training,
    type: 'number',
    coerce: integer('patience', 0),
    default: D.patience,
    describe: 'epochs without a gain before training stops; 0 for never',
  },
  seed: {
    group: training,
    type: 'number',
    coerce: integer('seed', 0),
    default: D.seed,
    describe: 'seed of every random choice',
  },
  engine: { group: training, choices: ENGINE_NAMES, default: 'js', describe: 'what computes' },
  out: { type: 'string', alias: 'o', coerce: text('out'), describe: 'adapter file (default: adapters/<base>.json)' },
  ...outputOptions,
})

export interface TrainArgs extends ProviderArgs, DatasetArgs, OutputArgs {
  readonly base: string
  readonly train?: string
  readonly val?: string
  readonly test?: string
  readonly valFraction?: number
  readonly testFraction?: number
  readonly splitBy: 'query' | 'document'
  readonly kind: string
  readonly negatives: NegativesName
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  readonly warmup: number
  readonly scale: number
  readonly weightDecay: number
  readonly maxGradNorm: number
  readonly metric: string
  readonly patience: number
  readonly seed: number
  readonly engine: string
  readonly out?: string
}

/** `adapter-train train`, and `adapter-train` alone. */
export const trainCommand: Command<TrainArgs> = {
  form: 'train',
  describe: 'embed a data set, train an adapter, measure it and write its file',
  options,
  examples: [
    ['--base openai --epochs 4', `train on ${DATA_FILES.train} and ${DATA_FILES.val} of this folder`],
    [
      '--base sbert --model ./models/my-model --train train.json --test test.json --out adapters/x.json',
      'a local model',
    ],
    ['--train beir-folder --val-fraction 0.2', 'embedded provider, no key and no download'],
  ],
  async run(args) {
    const { train } = await import('../actions/train.js')
    await train(args)
  },
}

import { closedForm } from '../../adapters/closed-forms/index.js'
import { ADAPTER_KIND_NAMES, adapterMap } from '../../adapters/index.js'
import { PSEUDO_QUERIES } from '../../dataset/pseudo-queries.js'
import { ENGINE_CHOICES } from '../../engines/index.js'
import { HARD_DEFAULTS } from '../../losses/hard.js'
import { NEGATIVES, type NegativesName } from '../../losses/index.js'
import { MAX_NEGATIVES } from '../../losses/pooled.js'
import { SPLIT_DEFAULTS, TUNE_BUDGET, TUNE_DEFAULT } from '../../pipeline/defaults.js'
import { providerNames } from '../../providers/index.js'
import { TRAIN_DEFAULTS } from '../../train/defaults.js'
import { RECIPE } from '../../train/recipe.js'
import { SCHEDULES, type ScheduleName } from '../../train/schedule.js'
import { type BatchArgs, batchOptions } from '../batch-options.js'
import { integer, number, text } from '../checks.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { DATA_FILES } from '../data-files.js'
import { type DatasetArgs, datasetOptions, memoryOption } from '../dataset-options.js'
import { type LongRunArgs, longRunOptions } from '../long-run-options.js'
import { type ProviderArgs, providerOptions } from '../provider-options.js'
import { reportOption } from '../report-option.js'

const data = 'Data:'
const training = 'Training:'
const proof = 'Choice and proof:'
const D = TRAIN_DEFAULTS

/** What the size of each kind with one is, such as "rank of low-rank". */
const sizes = ADAPTER_KIND_NAMES.flatMap(name => {
  const size = closedForm(name) ? undefined : adapterMap(name).size
  return size ? [`${size.name} of ${name}`] : []
})

const options = defineOptions({
  ...providerOptions,
  base: { ...providerOptions.base, choices: [...providerNames, 'vectors'], default: 'hashing' },
  vectors: {
    group: data,
    type: 'string',
    coerce: text('vectors'),
    describe: 'with --base vectors: folder of queries, docs (.npy, .f32 or .jsonl) and pairs.json',
  },
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
    describe: `validation set (default: ${DATA_FILES.val} where the training set is the default too)`,
  },
  test: { group: data, type: 'string', coerce: text('test'), describe: 'test set (default: split off)' },
  'val-fraction': {
    group: data,
    type: 'number',
    coerce: number('val-fraction', { min: 0, max: 0.9 }),
    describe: `share of the training queries to validate on, where no file is given (default: ${SPLIT_DEFAULTS.valFraction} with --tune off, else 0)`,
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
  'k-fold': {
    group: data,
    type: 'number',
    coerce: integer('k-fold', 2),
    describe:
      'with too little data for a test set: train on all of it, and report what the same procedure gives on folds held out in turn',
  },
  ...datasetOptions,
  kind: { group: training, choices: ADAPTER_KIND_NAMES, default: D.kind, describe: 'adapter kind' },
  negatives: {
    group: training,
    choices: Object.keys(NEGATIVES),
    describe: `what a positive is told apart from (default: chosen; ${D.negatives} with --tune off)`,
  },
  epochs: {
    group: training,
    type: 'number',
    coerce: integer('epochs', 1),
    describe: `passes over the training pairs (default: by data size; ${D.epochs} with --tune off)`,
  },
  'batch-size': {
    group: training,
    type: 'number',
    coerce: integer('batch-size', 1),
    describe: `pairs in a step (default: by data size; ${D.batchSize} with --tune off)`,
  },
  'learning-rate': {
    group: training,
    alias: 'lr',
    type: 'number',
    coerce: number('learning-rate', { min: 0, exclusive: true }),
    describe: `peak learning rate (default: ${RECIPE.learningRate}; ${D.learningRate} with --tune off)`,
  },
  warmup: {
    group: training,
    type: 'number',
    coerce: number('warmup', { min: 0, max: 1 }),
    describe: `share of the steps in which the learning rate rises (default: ${RECIPE.warmup}; ${D.warmup} with --tune off)`,
  },
  scale: {
    group: training,
    type: 'number',
    coerce: number('scale', { min: 0, exclusive: true }),
    describe: `factor of the cosine, the inverse temperature (default: chosen; ${D.scale} with --tune off)`,
  },
  'weight-decay': {
    group: training,
    type: 'number',
    coerce: number('weight-decay', { min: 0 }),
    describe: `decay toward the identity (default: ${RECIPE.weightDecay}; ${D.weightDecay} with --tune off)`,
  },
  'max-grad-norm': {
    group: training,
    type: 'number',
    coerce: number('max-grad-norm', { min: 0 }),
    describe: `largest gradient norm; 0 for no clipping (default: ${RECIPE.maxGradNorm}; ${D.maxGradNorm} with --tune off)`,
  },
  metric: {
    group: training,
    type: 'string',
    coerce: text('metric'),
    default: D.metric,
    describe: 'metric by which options and epochs are chosen and the gate decides',
  },
  patience: {
    group: training,
    type: 'number',
    coerce: integer('patience', 0),
    default: D.patience,
    describe: 'with --tune off: epochs without a gain before training stops; 0 for never',
  },
  seed: {
    group: training,
    type: 'number',
    coerce: integer('seed', 0),
    default: D.seed,
    describe: 'seed of every random choice',
  },
  pull: {
    group: training,
    type: 'number',
    coerce: number('pull', { min: 0 }),
    describe: `strength c of the pull to the identity (default: chosen; ${D.pull} with --tune off)`,
  },
  'max-negatives': {
    group: training,
    type: 'number',
    coerce: integer('max-negatives', 1),
    describe: `documents in a pool of negatives before it is sampled (default: ${MAX_NEGATIVES})`,
  },
  'hard-negatives': {
    group: training,
    type: 'number',
    coerce: integer('hard-negatives', 1),
    describe: `with --negatives hard: mined documents of a query (default: ${HARD_DEFAULTS.hardNegatives})`,
  },
  'hard-margin': {
    group: training,
    type: 'number',
    coerce: number('hard-margin', { min: 0 }),
    describe: `with --negatives hard: share of its positive's cosine by which a mined document stays below it (default: ${HARD_DEFAULTS.hardMargin})`,
  },
  schedule: {
    group: training,
    choices: Object.keys(SCHEDULES),
    describe: `fall of the learning rate (default: ${RECIPE.schedule}; ${D.schedule} with --tune off)`,
  },
  size: {
    group: training,
    type: 'number',
    coerce: integer('size', 1),
    describe: `the kind's own size, at most: ${sizes.join(', ')}`,
  },
  'dimensions-out': {
    group: training,
    type: 'number',
    coerce: integer('dimensions-out', 1),
    describe: 'first dimensions of each document that the index stores, where it does not store all',
  },
  engine: { group: training, choices: ENGINE_CHOICES, default: D.engine, describe: 'what computes' },
  memory: { group: training, ...memoryOption },
  tune: {
    group: proof,
    choices: ['auto', 'off'] as const,
    default: TUNE_DEFAULT,
    describe: 'auto chooses by cross-validation what is not given; off trains exactly what the options say',
  },
  'tune-budget': {
    group: proof,
    type: 'number',
    coerce: number('tune-budget', { min: 0, exclusive: true }),
    default: TUNE_BUDGET,
    describe: 'seconds that the choice may take',
  },
  'pseudo-queries': {
    group: proof,
    choices: ['auto', 'off'] as const,
    default: 'auto',
    describe: `with --tune auto and up to ${PSEUDO_QUERIES.mostLabelled} labelled queries: try first sentences of up to ${PSEUDO_QUERIES.documents} documents as further queries`,
  },
  gate: {
    group: proof,
    type: 'boolean',
    describe:
      'save the identity instead of an adapter that is not proven, with exit code 3 (default, but with --tune off; --no-gate keeps it, marked)',
  },
  'min-gain': {
    group: proof,
    type: 'number',
    coerce: number('min-gain', { min: 0 }),
    describe: 'the least out-of-fold gain that counts as proven',
  },
  ...batchOptions,
  ...longRunOptions,
  out: { type: 'string', alias: 'o', coerce: text('out'), describe: 'adapter file (default: adapters/<base>.json)' },
  report: reportOption,
  ...outputOptions,
})

export interface TrainArgs extends ProviderArgs, BatchArgs, DatasetArgs, LongRunArgs, OutputArgs {
  readonly base: string
  readonly train?: string
  readonly val?: string
  readonly test?: string
  readonly valFraction?: number
  readonly testFraction?: number
  readonly splitBy: 'query' | 'document'
  readonly kFold?: number
  readonly kind: string
  readonly negatives?: NegativesName
  readonly epochs?: number
  readonly batchSize?: number
  readonly learningRate?: number
  readonly warmup?: number
  readonly scale?: number
  readonly weightDecay?: number
  readonly maxGradNorm?: number
  readonly metric: string
  readonly patience: number
  readonly seed: number
  readonly pull?: number
  readonly maxNegatives?: number
  readonly hardNegatives?: number
  readonly hardMargin?: number
  readonly schedule?: ScheduleName
  readonly size?: number
  readonly dimensionsOut?: number
  readonly engine: string
  readonly memory?: string
  readonly tune: 'auto' | 'off'
  readonly tuneBudget: number
  readonly pseudoQueries: 'auto' | 'off'
  readonly gate?: boolean
  readonly minGain?: number
  readonly vectors?: string
  readonly out?: string
  readonly report?: string
}

/** `adapter-train train`, and `adapter-train` alone. */
export const trainCommand: Command<TrainArgs> = {
  form: 'train',
  group: 'Train',
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
    return train(args)
  },
}

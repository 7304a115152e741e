import { PSEUDO_QUERIES } from '../../dataset/pseudo-queries.js'
import { SPLIT_DEFAULTS, TUNE_BUDGET, TUNE_DEFAULT } from '../../pipeline/defaults.js'
import { providerNames } from '../../providers/index.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { type BatchArgs, batchOptions } from '../options/batch-options.js'
import { integer, number, text } from '../options/checks.js'
import { DATA_FILES } from '../options/data-files.js'
import { type DatasetArgs, datasetOptions } from '../options/dataset-options.js'
import { type LongRunArgs, longRunOptions } from '../options/long-run-options.js'
import { type ProviderArgs, providerOptions } from '../options/provider-options.js'
import { reportOption } from '../options/report-option.js'
import { type TrainingArgs, trainingOptions } from '../options/training-options.js'

const data = 'Data:'
const proof = 'Choice and proof:'

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
  ...trainingOptions,
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

export interface TrainArgs extends ProviderArgs, BatchArgs, DatasetArgs, TrainingArgs, LongRunArgs, OutputArgs {
  readonly base: string
  readonly train?: string
  readonly val?: string
  readonly test?: string
  readonly valFraction?: number
  readonly testFraction?: number
  readonly splitBy: 'query' | 'document'
  readonly kFold?: number
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

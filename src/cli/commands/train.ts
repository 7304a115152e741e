import { PSEUDO_QUERIES } from '../../dataset/pseudo-queries.js'
import { SPLIT_DEFAULTS, TUNE_BUDGET, TUNE_DEFAULT } from '../../pipeline/defaults.js'
import { type Command, outputOptions } from '../command.js'
import { batchOptions } from '../options/batch-options.js'
import { costOptions } from '../options/cost-options.js'
import { DATA_FILES } from '../options/data-files.js'
import { datasetOptions, reportOption, splitByOption } from '../options/dataset-options.js'
import { indexOptions } from '../options/index-options.js'
import { baseOrVectorsOptions } from '../options/provider-options.js'
import type { ArgsOf } from '../options/rows.js'
import { choice, dir, file, flag, inGroup, integer, name, number, positive, toggle } from '../options/rows.js'
import { termsOptions, textsOption } from '../options/terms-options.js'
import { type HyperArgs, longRunOptions, replaceOptions, trainingOptions } from '../options/training-options.js'

const options = {
  ...baseOrVectorsOptions,
  ...inGroup('Data', {
    vectors: dir('queries, docs (.npy, .f32 or .jsonl) and pairs.json, with --base vectors'),
    texts: textsOption,
    labels: choice(['given', 'none'], 'none: an adapter from --corpus only, W = I with words, untested', { default: 'given' }),
    train: file(`training set (default: ${DATA_FILES.train})`),
    val: file(`validation set (default: ${DATA_FILES.val} if the training set is the default too)`),
    test: file('test set (default: held out)'),
    'val-fraction': number(
      `share of the training queries to validate on without a file (default: ${SPLIT_DEFAULTS.valFraction} with --tune off, else 0)`,
      { min: 0, max: 0.9 },
    ),
    'test-fraction': number(`share of the training queries to test on without a file (default: ${SPLIT_DEFAULTS.testFraction})`, {
      min: 0,
      max: 0.9,
    }),
    'split-by': splitByOption,
    'k-fold': integer(
      'folds, with too little data for a test set: trains on all of it, reports the same procedure on held-out folds',
      { min: 2 },
    ),
  }),
  ...indexOptions,
  ...datasetOptions,
  ...trainingOptions,
  ...termsOptions,
  ...inGroup('Choice and proof', {
    tune: choice(['auto', 'off'], 'auto selects by cross-validation what is not given; off trains exactly as given', {
      default: TUNE_DEFAULT,
    }),
    'tune-budget': positive('seconds for the selection, with some left for training and judging', { default: TUNE_BUDGET }),
    'pseudo-queries': choice(
      ['auto', 'off'],
      `with --tune auto and up to ${PSEUDO_QUERIES.mostLabelled} labelled queries: pseudo-queries from up to ${PSEUDO_QUERIES.documents} documents`,
      { default: 'auto' },
    ),
    gate: toggle(
      'rejection of an adapter without a significant gain over the base, with exit code 3 (default: on unless --tune off; --no-gate saves it, marked)',
    ),
    pca: name(
      'with --base compose: dimensions to reduce the vectors to by PCA of the training documents, or an adapter file whose projection to use',
      { completes: 'file' },
    ),
    'keep-top-score': flag('queries scaled to keep the median best inner product, for thresholds on inner products'),
    'min-gain': number('least out-of-fold gain that passes the gate', { min: 0 }),
  }),
  ...batchOptions,
  ...costOptions,
  ...longRunOptions,
  out: file('adapter file (default: adapters/<base>.json)', { alias: 'o' }),
  ...replaceOptions,
  report: reportOption,
  ...outputOptions,
}

export type TrainArgs = ArgsOf<typeof options> & HyperArgs

export const trainCommand: Command = {
  form: 'train',
  group: 'Train',
  describe: 'Train an adapter on a dataset, measure it and save it',
  options,
  examples: [
    ['--base openai --epochs 4', `train on ${DATA_FILES.train} and ${DATA_FILES.val} of this folder`],
    ['--base sbert --model ./models/my-model --train train.json --test test.json --out adapters/x.json', 'a local model'],
    ['--base hashing --train beir-folder --val-fraction 0.2', 'built-in provider, no key and no download'],
  ],
}

import { ENGINE_CHOICES } from '../../engines/index.js'
import { SWEPT_NAMES, TRAIN_DEFAULTS } from '../../train/options.js'
import { kebab } from '../../words.js'
import { type Command, outputOptions } from '../command.js'
import { costOptions } from '../options/cost-options.js'
import { DATA_FILES } from '../options/data-files.js'
import { datasetOptions, memoryOption, reportOption, splitByOption } from '../options/dataset-options.js'
import { baseOrVectorsOptions } from '../options/provider-options.js'
import { type ArgsOf, choice, dir, file, inGroup, integer, name, number, toggle, words } from '../options/rows.js'
import { replaceOptions } from '../options/training-options.js'

/** Combinations above which a sweep is refused. */
const MOST_RUNS = 100

const options = {
  ...baseOrVectorsOptions,
  ...inGroup('Data', {
    vectors: dir('folder as for train, with --base vectors'),
    train: file(`training set (default: ${DATA_FILES.train})`),
    test: file('test set for the best combination'),
    'test-fraction': number('share of the training queries to test on instead (default: 0)', { min: 0, max: 0.9 }),
    'split-by': splitByOption,
  }),
  ...datasetOptions,
  grid: words(`NAME=VALUE,VALUE,... to try, once per option: ${SWEPT_NAMES.map(kebab).join(', ')}`, { demandOption: true }),
  'max-runs': integer('most combinations; a larger grid is refused', { min: 1, default: MOST_RUNS }),
  metric: name('metric to compare by', { default: TRAIN_DEFAULTS.metric }),
  seed: integer('seed of every random choice', { min: 0, default: TRAIN_DEFAULTS.seed }),
  engine: choice(ENGINE_CHOICES, 'compute engine', { default: TRAIN_DEFAULTS.engine }),
  memory: memoryOption,
  gate: toggle('rejection of an adapter without a significant gain over the base, with exit code 3', { default: true }),
  'min-gain': number('least out-of-fold gain that passes the gate', { min: 0 }),
  out: file('adapter file (default: adapters/<base>.json)', { alias: 'o' }),
  ...costOptions,
  ...replaceOptions,
  report: reportOption,
  ...outputOptions,
}

export type SweepArgs = ArgsOf<typeof options>

export const sweepCommand: Command = {
  form: 'sweep',
  group: 'Train',
  describe: 'Cross-validate combinations of options and train the best one',
  options,
  examples: [
    ['sweep --base openai --train train.json --grid negatives=in-batch,positives --grid pull=10,100', 'four combinations'],
    [
      'sweep --base openai --train train.json --test test.json --grid kind=linear,low-rank --grid size=16',
      'the best one measured on a test set',
    ],
  ],
}

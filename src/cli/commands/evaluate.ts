import { ENGINE_CHOICES } from '../../engines/index.js'
import { DEFAULT_METRICS } from '../../evaluate/metrics.js'
import { type Command, outputOptions } from '../command.js'
import { costOptions } from '../options/cost-options.js'
import { datasetOptions, memoryOption, reportOption, splitOption } from '../options/dataset-options.js'
import { searchedIndexOptions } from '../options/index-options.js'
import { adapterBaseOptions, baseOrVectorsOptions } from '../options/provider-options.js'
import { type ArgsOf, choice, dir, file, flag, inGroup, list, name } from '../options/rows.js'
import { textsOption } from '../options/terms-options.js'

const options = {
  ...baseOrVectorsOptions,
  base: { ...baseOrVectorsOptions.base, describe: adapterBaseOptions.base.describe },
  ...inGroup('Data', {
    vectors: dir('folder as for train, with --base vectors; its test split is evaluated if it has one'),
    texts: textsOption,
    data: file('dataset to evaluate on'),
    train: file('training set of the adapter, to report unseen documents separately'),
  }),
  ...searchedIndexOptions,
  ...datasetOptions,
  ...splitOption,
  adapter: file('adapter to compare with the base'),
  ...inGroup('Checks (exit code 4 if one fails)', {
    'fail-if-worse': flag('check that the adapter is not significantly worse than the base, or than --against'),
    against: file('adapter to compare with, such as the one in use'),
    by: name('field of the queries: the check holds in every segment too'),
    require: list('least value of a metric, such as ndcg@10=0.5'),
    junit: file('JUnit XML of the checks'),
  }),
  'run-out': file('TREC runs to write, of the base and of the adapter: x.base.trec and x.adapted.trec for x.trec'),
  'allow-mismatch': flag("evaluation even if the provider is not the adapter's base"),
  metrics: list('metrics as name@k, separated by blanks or commas', { default: DEFAULT_METRICS }),
  engine: choice(ENGINE_CHOICES, 'compute engine', { default: 'auto' }),
  memory: memoryOption,
  ...costOptions,
  report: reportOption,
  ...outputOptions,
}

export type EvaluateArgs = ArgsOf<typeof options>

export const evaluateCommand: Command = {
  form: 'evaluate',
  group: 'Evaluate',
  describe: 'Score a base model, and an adapter on it, on labelled queries',
  options,
  examples: [
    ['evaluate --base openai --data test.json', 'the base alone'],
    ['evaluate --data test.json --adapter adapters/x.json', 'an adapter, and the base that it names'],
    [
      'evaluate --data test.json --adapter adapters/x.json --fail-if-worse --require ndcg@10=0.5',
      'a check for continuous integration',
    ],
    ['evaluate --base vectors --vectors folder --adapter adapters/x.json', 'vectors of your own'],
    [
      'evaluate --data test.json --index lancedb:///srv/lance#docs --adapter adapters/x.json',
      'through the index, by its own search and the exact one',
    ],
  ],
}

import { ENGINE_CHOICES } from '../../engines/index.js'
import { HYBRID_WINDOW } from '../../evaluate/fusion.js'
import { type Command, outputOptions } from '../command.js'
import { datasetOptions, splitOption } from '../options/dataset-options.js'
import { baseOrVectorsOptions } from '../options/provider-options.js'
import { type ArgsOf, choice, dir, file, flag, inGroup, integer, text } from '../options/rows.js'
import { textsOption } from '../options/terms-options.js'

const options = {
  ...baseOrVectorsOptions,
  ...inGroup('Data', {
    vectors: dir('folder as for train, with --base vectors; its test split is used if it has one'),
    texts: textsOption,
    data: file('labelled queries to tune the weight on, which the adapter was not trained on'),
    run: file('TREC run of your own lexical search (default: BM25)'),
  }),
  ...datasetOptions,
  ...splitOption,
  adapter: file('adapter of the vector search'),
  'allow-mismatch': flag("tuning even if the provider is not the adapter's base"),
  metric: text('metric to tune for, as name@k', { default: 'ndcg@10' }),
  window: integer('documents that each search retrieves before they are fused', { min: 1, default: HYBRID_WINDOW }),
  seed: integer('seed of the folds', { min: 0, default: 42 }),
  engine: choice(ENGINE_CHOICES, 'compute engine', { default: 'auto' }),
  ...outputOptions,
}

export type HybridArgs = ArgsOf<typeof options>

export const hybridCommand: Command = {
  form: 'hybrid',
  group: 'Evaluate',
  describe: 'Tune the weight of a hybrid search, in the terms of your store',
  options,
  examples: [
    ['hybrid --data val.json --adapter adapters/x.json', 'with BM25 as it is in most stores'],
    ['hybrid --base openai --data val.json --run postgres.run', "with your own engine's scores"],
  ],
}

import { ENGINE_CHOICES } from '../../engines/index.js'
import { BRIDGE_SAMPLE, TUNE_BUDGET } from '../../pipeline/defaults.js'
import { providerNames } from '../../providers/index.js'
import { TRAIN_DEFAULTS } from '../../train/options.js'
import { type Command, outputOptions } from '../command.js'
import { costOptions } from '../options/cost-options.js'
import { indexOptions } from '../options/index-options.js'
import { providerOptions } from '../options/provider-options.js'
import { type ArgsOf, choice, dir, file, inGroup, integer, name, number, positive } from '../options/rows.js'
import { replaceOptions } from '../options/training-options.js'

const options = {
  ...inGroup('Two folders of vectors', {
    'from-vectors': dir('the vectors of the new model, of the same rows as those of --to-vectors'),
    'to-vectors': dir("the vectors of the index's model"),
  }),
  ...providerOptions,
  base: { ...providerOptions.base, describe: 'provider of the new model, instead of two folders' },
  ...inGroup('Index', {
    ...indexOptions,
    vectors: dir('documents of the index: vectors, and doc_texts.json with their texts'),
    'to-base': choice(providerNames, "provider of the index's model, whose vectors the cache has; it is not called"),
    'to-model': name("model of the index, if not the provider's own", { completes: 'file' }),
    'to-id': name("name of the index's space in the adapter file (default: the folder's or the provider's)"),
    corpus: file('texts of the index, for --to-base (default: documents of --train and --test)'),
    sample: integer('documents of the index that the map is fitted to, at most', { min: 20, default: BRIDGE_SAMPLE }),
  }),
  ...inGroup('Labels', {
    train: file('labels to train on with: pairs.json of two folders, else a dataset'),
    test: file('labelled queries that judge the map, with --base; of two folders the test part does'),
    metric: name('metric of the gate and of the share recovered', { default: TRAIN_DEFAULTS.metric }),
    'tune-budget': positive('most seconds for the selection of training options', { default: TUNE_BUDGET }),
    'min-gain': number('least out-of-fold gain of the labels that passes the gate', { min: 0 }),
    'min-recovered': number('share of the quality of the index below which the exit code is 4', { min: 0 }),
  }),
  seed: integer('seed of sample and training', { min: 0, default: TRAIN_DEFAULTS.seed }),
  engine: choice(ENGINE_CHOICES, 'compute engine', { default: TRAIN_DEFAULTS.engine }),
  'engine-device': name('device of the engine: part of the name of a WebGPU adapter, or gpu or cpu for tfjs'),
  ...costOptions,
  out: file('adapter file (default: adapters/<new model>-to-<index>.json)', { alias: 'o' }),
  ...replaceOptions,
  ...outputOptions,
}

export type BridgeArgs = ArgsOf<typeof options>

export const bridgeCommand: Command = {
  form: 'bridge',
  group: 'Train',
  describe: 'Map the queries of one model into the index of another',
  options,
  examples: [
    ['bridge --from-vectors new-model --to-vectors old-model --out bridge.json', 'from two folders of vectors'],
    [
      'bridge --base cohere --to-base openai --corpus corpus.jsonl --train train.json --out bridge.json',
      'queries by Cohere, an index by OpenAI whose vectors are in the cache; then trained on with labels',
    ],
  ],
}

import { LABEL_POOL, QUERY_ORDERS } from '../../pages/defaults.js'
import { TRAIN_DEFAULTS } from '../../train/options.js'
import { type Command, outputOptions } from '../command.js'
import { splitShares } from '../options/data-files.js'
import { lookOptions } from '../options/look-options.js'
import { type ArgsOf, choice, dir, file, flag, inGroup, integer, name, text } from '../options/rows.js'

const options = {
  ...lookOptions,
  ...inGroup('Labels', {
    labels: file('file of judgements, begun or continued', { default: 'labels.jsonl' }),
    judge: name('name of the judge in that file (default: that of the user)'),
    order: choice(QUERY_ORDERS, 'queries spread over clusters, where base and adapter disagree first, or as in the file', {
      default: 'spread',
    }),
    pool: integer('first documents of each search to judge', { min: 1, default: LABEL_POOL }),
    seed: integer('seed of the order of queries and documents, and of the split', { min: 0, default: TRAIN_DEFAULTS.seed }),
    agreement: flag('agreement of the judges of --labels printed, instead of a page'),
  }),
  ...inGroup('Split', {
    split: text('shares of the labelled queries for training, validation and test, written instead of a page', {
      placeholder: 'N,N,N',
      coerce: splitShares,
    }),
    out: dir('folder to write the splits to', { default: 'data' }),
    overwrite: flag('existing files replaced'),
  }),
  ...outputOptions,
  json: { ...outputOptions.json, describe: 'address of the page, or the result, as one JSON object on stdout' },
}

export type LabelArgs = ArgsOf<typeof options>

export const labelCommand: Command = {
  form: 'label',
  group: 'Get data',
  describe: 'Judge documents for queries in a browser, and prove gains with that',
  options,
  examples: [
    ['label --queries log.jsonl --corpus docs.jsonl --adapter adapters/x.json', 'a page on this machine; labels to labels.jsonl'],
    ['label --split 0.8,0.1,0.1 --out data/', 'training, validation and test set of the labels'],
  ],
}

import { providerNames } from '../../providers/index.js'
import { integer, text } from './checks.js'
import { type DatasetArgs, datasetOptions, type SplitArgs, splitOption } from './dataset-options.js'
import { type ProviderArgs, providerOptions } from './provider-options.js'

/** Options of the commands that show what an adapter changes for single queries. */
export const explainOptions = {
  ...providerOptions,
  base: { ...providerOptions.base, choices: providerNames, default: 'hashing' },
  data: {
    group: 'Data:',
    type: 'string',
    coerce: text('data'),
    demandOption: true,
    describe: 'data set with the documents; its judgements mark those that are relevant',
  },
  ...datasetOptions,
  ...splitOption,
  adapter: { type: 'string', coerce: text('adapter'), demandOption: true, describe: 'adapter file' },
  'allow-mismatch': {
    type: 'boolean',
    default: false,
    describe: "go on although the provider is not the adapter's base",
  },
  top: { type: 'number', coerce: integer('top', 1), default: 10, describe: 'how many documents to show' },
} as const

export interface ExplainOptionArgs extends ProviderArgs, DatasetArgs, SplitArgs {
  readonly base: string
  readonly data: string
  readonly adapter: string
  readonly allowMismatch: boolean
  readonly top: number
}

import { usageError } from '../../errors.js'
import { FUSION_NAMES, FUSIONS, type FusionName } from '../../evaluate/fusion.js'
import { datasetOptions } from './dataset-options.js'
import { indexOptions } from './index-options.js'
import { adapterBaseOptions } from './provider-options.js'
import { type ArgsOf, file, flag, inGroup, integer, list, name, text } from './rows.js'

export const lookOptions = {
  adapter: list('adapters to compare with the base model', { placeholder: 'FILE' }),
  ...adapterBaseOptions,
  ...inGroup('Data', {
    data: file('dataset with the documents, and queries with relevance judgements'),
    corpus: file('documents, if --data has none or there is no --data (id and text in any format, or a dataset)'),
    queries: file('queries: a log, one per line, or a dataset (default: those of --data)'),
  }),
  ...indexOptions,
  ...datasetOptions,
  hybrid: text('hybrid search as tuned by adapter-train hybrid, as FUSION=WEIGHT, such as relative=0.3', {
    placeholder: 'FUSION=WEIGHT',
    coerce: readHybrid,
  }),
  'allow-mismatch': flag("rankings even if the provider is not an adapter's base"),
  ...inGroup('Page', {
    host: name('address to listen at; another than loopback needs a token', { default: '127.0.0.1' }),
    port: integer('port to listen at; 0 for any free one', { min: 0, max: 65_535, default: 0 }),
    'token-file': file('token of the page (default: ADAPTER_TRAIN_SERVE_TOKEN, or a new one per start)'),
  }),
}

export type LookArgs = ArgsOf<typeof lookOptions>

/** @throws USAGE unless it is `FUSION=WEIGHT` */
function readHybrid(value: unknown): { readonly fusion: FusionName; readonly weight: number } {
  const [, fusion = '', number = ''] = /^(\w+)=(\d*\.?\d+)$/.exec(String(value)) ?? []
  const weight = Number(number)
  const isShare = Object.hasOwn(FUSIONS, fusion) && (weight <= 1 || 'added' in FUSIONS[fusion as FusionName])
  if (number !== '' && isShare) return { fusion: fusion as FusionName, weight }
  throw usageError(
    `--hybrid: expected FUSION=WEIGHT with one of ${FUSION_NAMES.join(', ')} and a weight from 0 to 1, found "${String(value)}"`,
  )
}

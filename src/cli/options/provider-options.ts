import type { Options } from 'yargs'
import type { SqliteCache } from '../../cache/sqlite-cache.js'
import { AdapterTrainError } from '../../errors.js'
import { kebab } from '../../kebab.js'
import { createProvider, providerNames } from '../../providers/index.js'
import type { EmbeddingProvider, ProviderOptions } from '../../providers/provider.js'
import { integer, number, text } from './checks.js'

/** Default of `--cache`. */
const CACHE_FILE = 'cache/embeddings.sqlite'

const group = 'Embedding model:'

/** Options of every command that embeds. */
export const providerOptions = {
  base: { group, choices: providerNames, describe: 'provider of the base embeddings' },
  model: {
    group,
    type: 'string',
    coerce: text('model'),
    describe: "model name, hub id or local folder (default: the provider's own)",
  },
  dimensions: {
    group,
    type: 'number',
    coerce: integer('dimensions', 1),
    describe: 'length of the vectors, where the model can shorten them',
  },
  'base-url': { group, type: 'string', coerce: text('base-url'), describe: 'address of a compatible server' },
  'base-id': {
    group,
    type: 'string',
    coerce: text('base-id'),
    describe: 'name of the embedding space in the adapter file and the cache',
  },
  dtype: { group, type: 'string', coerce: text('dtype'), describe: 'precision of a local model: fp32, fp16, q8, q4' },
  device: { group, type: 'string', coerce: text('device'), describe: 'where a local model runs: cpu, cuda, webgpu' },
  pooling: {
    group,
    choices: ['mean', 'cls', 'last_token'] as const,
    describe: "pooling of a local model (default: the model's own)",
  },
  normalize: {
    group,
    type: 'boolean',
    describe: "scale a local model's vectors to length 1 (default: the model's own)",
  },
  'query-prefix': { group, type: 'string', describe: 'text before every query' },
  'document-prefix': { group, type: 'string', describe: 'text before every document' },
  revision: { group, type: 'string', coerce: text('revision'), describe: 'branch, tag or commit of a hub model' },
  'max-input-tokens': {
    group,
    type: 'number',
    coerce: integer('max-input-tokens', 1),
    describe: 'longest text in tokens',
  },
  'batch-inputs': { group, type: 'number', coerce: integer('batch-inputs', 1), describe: 'most texts in one request' },
  concurrency: { group, type: 'number', coerce: integer('concurrency', 1), describe: 'requests in flight at once' },
  timeout: {
    group,
    type: 'number',
    coerce: number('timeout', { min: 0, exclusive: true }),
    describe: 'seconds before one request is given up',
  },
  retries: {
    group,
    type: 'number',
    coerce: integer('retries', 0),
    describe: 'how often a failed request is sent again',
  },
  price: {
    group,
    type: 'number',
    coerce: number('price', { min: 0 }),
    describe: 'US dollars for a million tokens, instead of the price table',
  },
  cache: {
    group,
    type: 'string',
    coerce: text('cache'),
    default: CACHE_FILE,
    describe: 'SQLite file that keeps embeddings; "none" for no cache',
  },
} as const satisfies Record<string, Options>

/** What yargs makes of {@link providerOptions}. */
export interface ProviderArgs {
  readonly base?: string
  readonly model?: string
  readonly dimensions?: number
  readonly baseUrl?: string
  readonly baseId?: string
  readonly dtype?: string
  readonly device?: string
  readonly pooling?: 'mean' | 'cls' | 'last_token'
  readonly normalize?: boolean
  readonly queryPrefix?: string
  readonly documentPrefix?: string
  readonly revision?: string
  readonly maxInputTokens?: number
  readonly batchInputs?: number
  readonly concurrency?: number
  readonly timeout?: number
  readonly retries?: number
  readonly price?: number
  readonly cache: string
}

const LOCAL_ONLY = ['dtype', 'device', 'pooling', 'normalize', 'revision'] as const

/** Options that a provider would take no notice of; who gives one has most likely forgotten or mistaken `--base`. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly (keyof ProviderArgs)[]>> = {
  openai: LOCAL_ONLY,
  cohere: LOCAL_ONLY,
  sbert: ['baseUrl', 'price'],
  vectors: [
    ...(['model', 'dimensions', 'baseUrl', 'dtype', 'pooling', 'normalize', 'queryPrefix', 'documentPrefix'] as const),
    ...(['revision', 'maxInputTokens', 'batchInputs', 'concurrency', 'timeout', 'retries', 'price'] as const),
  ],
  hashing: ['model', 'baseUrl', 'price', 'timeout', 'maxInputTokens', 'queryPrefix', 'documentPrefix', ...LOCAL_ONLY],
}

/** @throws USAGE when an option is given that means nothing to the provider */
export function checkProviderArgs(name: string, args: ProviderArgs): void {
  const ignored = WITHOUT_EFFECT[name]?.find(key => args[key] !== undefined)
  if (ignored === undefined) return
  const readers = providerNames.filter(other => !WITHOUT_EFFECT[other]?.includes(ignored))
  throw new AdapterTrainError(
    'USAGE',
    `--${kebab(ignored)} means nothing to --base ${name}; it is for --base ${readers.join(', ')}`,
  )
}

/** The provider that the options ask for; without `apiKey` its key comes from the environment. */
export function openProvider(
  name: string,
  args: ProviderArgs & Pick<ProviderOptions, 'batchApi' | 'transport'>,
  apiKey?: string,
): Promise<EmbeddingProvider> {
  return createProvider(name, {
    apiKey,
    model: args.model,
    dimensions: args.dimensions,
    baseUrl: args.baseUrl,
    baseId: args.baseId,
    dtype: args.dtype,
    device: args.device,
    pooling: args.pooling,
    normalize: args.normalize,
    queryPrefix: args.queryPrefix,
    documentPrefix: args.documentPrefix,
    revision: args.revision,
    maxInputTokens: args.maxInputTokens,
    maxInputs: args.batchInputs,
    transport: args.transport,
    concurrency: args.concurrency,
    timeoutMs: args.timeout === undefined ? undefined : Math.max(1, Math.round(args.timeout * 1000)),
    price: args.price,
    batchApi: args.batchApi,
  })
}

/** The cache that `--cache` asks for; `undefined` for "none". */
export async function openCacheOption(args: ProviderArgs): Promise<SqliteCache | undefined> {
  if (args.cache === 'none') return undefined
  const { openCache } = await import('../../cache/sqlite-cache.js')
  return openCache(args.cache)
}

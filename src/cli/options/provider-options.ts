import type { Adapter } from '../../adapters/adapter.js'
import type { OpenCacheOptions } from '../../cache/sqlite-cache.js'
import { usageError } from '../../errors.js'
import type { Projection } from '../../math/projection.js'
import { createProvider, isOwnCode, providerNames } from '../../providers/index.js'
import { type EmbeddingProvider, POOLINGS, type ProviderOptions } from '../../providers/provider.js'
import { kebab } from '../../words.js'
import type { ArgsOf } from './rows.js'
import { camel, choice, fields, file, inGroup, integer, list, name, number, text, toggle, url } from './rows.js'

export const cacheOption = file('SQLite embedding cache; "none" for no cache', { default: 'cache/embeddings.sqlite' })

export const providerOptions = inGroup('Embedding model', {
  base: choice(providerNames, 'provider of the base embeddings; or ai-sdk:PACKAGE, or a module such as ./embedder.mjs', {
    orElse: (value: unknown) => isOwnCode(String(value)),
  }),
  model: name("model name, hub id or local folder (default: the provider's own)", { completes: 'file' }),
  dimensions: integer('length of the vectors, if the model can shorten them', { min: 1 }),
  'base-url': url('address of a compatible server'),
  part: list('models of --base compose, such as openai:text-embedding-3-small or sbert:./model?dtype=q8'),
  'base-id': name('name of the embedding space in the adapter file and the cache'),
  dtype: name('precision of a local model: fp32, fp16, q8, q4'),
  device: name('device of a local model: cpu, cuda, webgpu'),
  pooling: choice(POOLINGS, "pooling of a local model (default: the model's own)"),
  normalize: toggle("a local model's vectors scaled to unit length (default: the model's own)"),
  'query-prefix': text('text before every query', { mayBeEmpty: true }),
  'document-prefix': text('text before every document', { mayBeEmpty: true }),
  'query-param': fields('field added to a request for queries'),
  'document-param': fields('field added to a request for documents'),
  revision: name('branch, tag or commit of a hub model'),
  'max-input-tokens': integer('longest text in tokens', { min: 1 }),
  'batch-inputs': integer('maximum texts per request', { min: 1 }),
  concurrency: integer('requests in flight at once', { min: 1 }),
  timeout: number('seconds before a request is given up', { min: 0, above: true }),
  retries: integer('retries of a failed request', { min: 0 }),
  'skip-refused': toggle('texts the model refuses left out and listed'),
  price: number('US dollars per million tokens, instead of the price table', { min: 0 }),
  cache: cacheOption,
})

/** {@link providerOptions} of the commands that open the base of an adapter file. */
export const adapterBaseOptions = {
  ...providerOptions,
  base: { ...providerOptions.base, describe: `${providerOptions.base.describe} (default: the adapter's)` },
} as const

/** Same, of the commands that also take vectors of the user's own. */
export const baseOrVectorsOptions = {
  ...providerOptions,
  base: { ...providerOptions.base, choices: [...providerNames, 'vectors'] as const },
} as const

export type ProviderArgs = Omit<ArgsOf<typeof providerOptions>, 'base'> & {
  readonly base?: string
  /** Projection of an adapter's base model; what `train` is to reduce vectors to is a text. */
  readonly pca?: string | Projection
}

/** Options that identify the embedding space. */
export const SPACE_OPTIONS = [
  ...(['base', 'model', 'dimensions', 'baseUrl', 'baseId', 'dtype', 'pooling', 'normalize', 'queryPrefix'] as const),
  ...(['documentPrefix', 'revision', 'part', 'queryParam', 'documentParam'] as const),
]

const MODEL = ['model', 'dimensions', 'baseUrl'] as const
const CALLS = ['maxInputTokens', 'batchInputs', 'concurrency', 'timeout'] as const
const PARAMS = ['queryParam', 'documentParam'] as const
const LOCAL_ONLY = ['dtype', 'device', 'pooling', 'normalize', 'revision'] as const
const ONE_MODEL = ['part', ...LOCAL_ONLY] as const
const INPUTS = ['queryPrefix', 'documentPrefix', ...LOCAL_ONLY, ...PARAMS] as const

/** Options without effect on a provider, or on code of the user's: given, they point to a forgotten or mistaken `--base`. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly (keyof ProviderArgs)[]>> = {
  ...Object.fromEntries(providerNames.map(name => [name, ONE_MODEL])),
  cohere: [...ONE_MODEL, ...PARAMS],
  compose: [...MODEL, 'baseId', 'maxInputTokens', 'batchInputs', 'concurrency', 'price', ...INPUTS],
  sbert: ['part', 'baseUrl', 'price', 'concurrency', 'timeout', ...PARAMS],
  vectors: ['part', ...MODEL, ...INPUTS, ...CALLS, 'retries', 'price'],
  hashing: ['part', 'model', 'baseUrl', 'price', 'concurrency', 'timeout', 'maxInputTokens', ...INPUTS],
  'a package of the AI SDK': ['baseUrl', 'timeout', 'maxInputTokens', ...LOCAL_ONLY],
  'a module': [...MODEL, 'price', ...CALLS, ...INPUTS],
}

const NOTES: Readonly<Record<string, string>> = {
  sbert: ' (a model on this machine)',
  hashing: ' (a toy without a model, for trying the program)',
}

/** @throws USAGE when there is no base */
export function requireBase(base: string | undefined): string {
  if (base !== undefined) return base
  const names = providerNames.map(name => `${name}${NOTES[name] ?? ''}`)
  throw usageError(`missing option --base, the embedding model; expected one of ${names.join(', ')}`)
}

/** Completes options with the base that an adapter file names, unless `--base` is given. */
export async function withBaseOf<A extends ProviderArgs>(args: A, adapter: Adapter | undefined, path?: string) {
  if (args.base !== undefined || adapter === undefined) return { ...args, base: requireBase(args.base) }
  const { baseOf } = await import('../../wrap/recorded-base.js')
  const { provider, queryParams, documentParams, ...options } = baseOf(adapter, passedOn(args), path)
  return { ...args, ...options, queryParam: queryParams, documentParam: documentParams, base: provider }
}

/** Options that have no effect on the provider. */
export function withoutEffect(name: string): readonly (keyof ProviderArgs)[] {
  const code = name.startsWith('ai-sdk:') ? 'a package of the AI SDK' : 'a module'
  return WITHOUT_EFFECT[isOwnCode(name) ? code : name] ?? []
}

/** @throws USAGE when an option has no effect on the provider */
export function checkProviderArgs(name: string | undefined, args: ProviderArgs): void {
  if (name === undefined) return
  const ignored = withoutEffect(name).find(key => args[key] !== undefined)
  if (!ignored) return
  const readers = providerNames.filter(other => !WITHOUT_EFFECT[other]?.includes(ignored))
  throw usageError(`--${kebab(ignored)} has no effect with --base ${name}; expected --base ${readers.join(', ')}`)
}

const PASSED_ON = (Object.keys(providerOptions).map(camel) as (keyof ProviderArgs)[]).filter(
  key => !['base', 'cache', 'retries', 'timeout', 'batchInputs', 'skipRefused', ...PARAMS].includes(key),
)

function passedOn(args: ProviderArgs): ProviderOptions {
  const { queryParam: queryParams, documentParam: documentParams } = args
  const pca = typeof args.pca === 'object' ? args.pca : undefined
  return { ...Object.fromEntries(PASSED_ON.map(key => [key, args[key]])), queryParams, documentParams, pca }
}

/** `--timeout` in milliseconds */
export function timeoutMs({ timeout }: Pick<ProviderArgs, 'timeout'>): number | undefined {
  return timeout === undefined ? undefined : Math.max(1, Math.round(timeout * 1000))
}

/** Opens the provider that the options name; without `apiKey` its key comes from the environment. */
export function openProvider(
  name: string,
  args: ProviderArgs & Pick<ProviderOptions, 'batchApi' | 'transport'>,
  apiKey?: string,
): Promise<EmbeddingProvider> {
  const { batchInputs: maxInputs, transport, batchApi } = args
  return createProvider(name, { ...passedOn(args), apiKey, maxInputs, timeoutMs: timeoutMs(args), transport, batchApi })
}

/** Opens the cache of `--cache`; `undefined` for "none". */
export async function openCacheOption(args: ProviderArgs, options?: OpenCacheOptions) {
  if (args.cache === 'none') return undefined
  const { openCache } = await import('../../cache/sqlite-cache.js')
  return openCache(args.cache, options)
}

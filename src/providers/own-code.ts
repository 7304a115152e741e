import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AdapterTrainError, messageOf, usageError } from '../errors.js'
import { optionWord } from '../words.js'
import { checkOptions } from './check.js'
import { type CustomEmbedder, type CustomProviderOptions, customProvider } from './custom.js'
import { redact } from './http-error.js'
import type { EmbeddingProvider, ProviderFactory, ProviderOptions, RequestParams, Role } from './provider.js'
import { paramsSuffix } from './remote-provider.js'

const AI_SDK = 'ai-sdk:'

/** Makes the factory of a base that is code of the user's: `ai-sdk:PACKAGE`, or the path of a module. */
export function ownCodeFactory(name: string): ProviderFactory {
  const isPackage = name.startsWith(AI_SDK)
  return {
    name,
    description: isPackage ? 'embedding model of an AI SDK provider' : 'embedder that a module exports',
    keyVariables: [],
    needsModel: isPackage,
    async create(options) {
      checkOptions(name, options)
      return isPackage ? createFromPackage(name, options) : createFromModule(name, options)
    },
  }
}

interface ModuleEmbedder extends Omit<CustomProviderOptions, 'cacheVersion'> {
  readonly embed: CustomEmbedder
  readonly version: string | number
  readonly close?: EmbeddingProvider['close']
}

async function createFromModule(path: string, { baseId, queryParams, documentParams }: ProviderOptions) {
  refuse(path, { ...queryParams, ...documentParams }, 'a module sets its own fields')
  const place = path.startsWith('file:') ? path : pathToFileURL(resolve(path)).href
  const loaded = await load(path, () => import(place))
  const embedder = (loaded.default ?? loaded.embedder) as Partial<ModuleEmbedder> | undefined
  const { id, version, embed, ...rest } = embedder ?? {}
  const isVersion = typeof version === 'number' || (typeof version === 'string' && version !== '')
  if (typeof id !== 'string' || !isVersion || embed === undefined) {
    const missing = !embedder
      ? 'no such export'
      : `one without "${typeof id !== 'string' ? 'id' : isVersion ? 'embed' : 'version'}"`
    const problem = `${path}: expected a default export { id, version, embed(texts, role) }, found ${missing}`
    const meaning = 'The id names the embedding space; raise the version whenever the vectors change'
    throw new AdapterTrainError('PROVIDER_MODEL', `${problem}. ${meaning}`)
  }
  const close = embedder!.close?.bind(embedder)
  // Assigned, not spread: `dimensions` is known later.
  const provider = customProvider({
    ...rest,
    id: baseId ?? id,
    cacheVersion: JSON.stringify([id, version]),
    embed: typeof embed === 'function' ? embed.bind(embedder) : embed,
  })
  return close ? Object.assign(provider, { close }) : provider
}

interface SdkModel {
  readonly specificationVersion: string
  readonly maxEmbeddingsPerCall?: PromiseLike<number | undefined> | number
  readonly supportsParallelCalls?: PromiseLike<boolean> | boolean
  doEmbed(options: {
    readonly values: string[]
    readonly abortSignal?: AbortSignal
    readonly providerOptions?: Record<string, RequestParams>
  }): PromiseLike<{ readonly embeddings: number[][]; readonly usage?: { readonly tokens?: number } }>
}

/** Options that a package reads, under which names, and those that tell a query from a document. */
interface SdkPackage {
  readonly names: readonly string[]
  readonly keys: readonly string[]
  readonly dimensions?: string
  readonly roles?: Readonly<Record<Role, RequestParams>>
}

const GOOGLE: Omit<SdkPackage, 'names'> = {
  keys: ['taskType', 'outputDimensionality', 'title', 'autoTruncate'],
  dimensions: 'outputDimensionality',
  roles: { query: { taskType: 'RETRIEVAL_QUERY' }, document: { taskType: 'RETRIEVAL_DOCUMENT' } },
}
const BEDROCK_KEYS = [
  'dimensions',
  'normalize',
  'embeddingDimension',
  'embeddingPurpose',
  'inputType',
  'truncate',
  'outputDimension',
]
const SEARCH = { query: { inputType: 'search_query' }, document: { inputType: 'search_document' } }

/** What is known of packages: they drop a key that they do not know, without a word. @see https://ai-sdk.dev/providers */
function knownPackage(name: string, model: string): SdkPackage | undefined {
  const packages: Record<string, SdkPackage> = {
    '@ai-sdk/openai': { names: ['openai'], keys: ['dimensions', 'user'], dimensions: 'dimensions' },
    '@ai-sdk/azure': { names: ['openai', 'azure'], keys: ['dimensions', 'user'], dimensions: 'dimensions' },
    '@ai-sdk/google': { names: ['google'], ...GOOGLE },
    '@ai-sdk/google-vertex': { names: ['google', 'vertex', 'googleVertex'], ...GOOGLE },
    '@ai-sdk/cohere': { names: ['cohere'], keys: ['inputType', 'truncate'], roles: SEARCH },
    '@ai-sdk/amazon-bedrock': { names: ['bedrock', 'amazonBedrock'], keys: BEDROCK_KEYS, ...bedrockModel(model) },
    'voyage-ai-provider': {
      names: ['voyage'],
      keys: ['inputType', 'truncation', 'outputDimension', 'outputDtype'],
      dimensions: 'outputDimension',
      roles: { query: { inputType: 'query' }, document: { inputType: 'document' } },
    },
  }
  return Object.hasOwn(packages, name) ? packages[name] : undefined
}

/** Bedrock has models of several makers, each with options of its own. */
function bedrockModel(model: string): Pick<SdkPackage, 'dimensions' | 'roles'> {
  if (/(^|\.)cohere\./.test(model)) return { dimensions: 'outputDimension', roles: SEARCH }
  if (!/(^|\.)amazon\.nova/.test(model)) return { dimensions: 'dimensions' }
  const purpose = { query: { embeddingPurpose: 'TEXT_RETRIEVAL' }, document: { embeddingPurpose: 'GENERIC_INDEX' } }
  return { dimensions: 'embeddingDimension', roles: purpose }
}

async function createFromPackage(name: string, options: ProviderOptions): Promise<EmbeddingProvider> {
  const [packageName, wanted] = name.slice(AI_SDK.length).split('#')
  const { model, dimensions, queryParams, documentParams } = options
  if (model === undefined) throw usageError(`${name}: missing model. Give ${optionWord('model')}`)
  const known = knownPackage(packageName, model)
  const { names = [], keys = [], roles, dimensions: lengthKey } = known ?? {}
  const unknown = Object.keys({ ...queryParams, ...documentParams }).filter(key => !keys.includes(key))
  const expected = known ? `; expected one of ${keys.join(', ')}` : ''
  refuse(name, unknown, `the package drops a key it does not know, without a word${expected}`)
  if (dimensions !== undefined && lengthKey === undefined)
    throw usageError(`${name}: no key for dimensions is known of this package. Leave the option out`)
  const sdk = modelOf(name, await load(name, () => importFromHere(packageName)), wanted, model)
  const length = dimensions === undefined ? {} : { [lengthKey!]: dimensions }
  const fieldsOf = (role: Role, params: RequestParams | undefined) => ({ ...roles?.[role], ...length, ...params })
  const fields = { query: fieldsOf('query', queryParams), document: fieldsOf('document', documentParams) }
  const prefix = { query: options.queryPrefix ?? '', document: options.documentPrefix ?? '' }
  const { maxInputs = Number.POSITIVE_INFINITY, concurrency = 4, baseId } = options
  const [most = 100, isParallel] = await Promise.all([sdk.maxEmbeddingsPerCall, sdk.supportsParallelCalls])
  return Object.assign(
    customProvider({
      id: baseId ?? `${AI_SDK}${packageName}/${model}${dimensions ? `@${dimensions}` : ''}${paramsSuffix(options)}`,
      dimensions,
      limits: { maxInputs: Math.min(most, maxInputs, 2048), maxConcurrency: isParallel === false ? 1 : concurrency },
      cacheVersion: JSON.stringify([model, fields, prefix]),
      async embed(texts, role, { signal, onUsage }) {
        const values = texts.map(text => prefix[role] + text)
        const own = Object.keys(fields[role]).length > 0
        const providerOptions = own ? Object.fromEntries(names.map(each => [each, fields[role]])) : undefined
        const { embeddings, usage } = await asked(sdk.doEmbed({ values, abortSignal: signal, providerOptions }))
        if (Number.isFinite(usage?.tokens)) onUsage?.({ tokens: usage!.tokens! })
        return embeddings
      },
    }),
    { price: options.price },
  )
}

/** The SDK's errors hold the request, with its texts; only message and status are passed on. */
async function asked<T>(answer: PromiseLike<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const { statusCode: status } = error as { readonly statusCode?: number }
    throw Object.assign(new Error(redact(messageOf(error))), { status })
  }
}

/** Finds the model in the exports of a package: in the one that makes embedding models, or the one that is named. */
function modelOf(name: string, exports: Record<string, unknown>, wanted: string | undefined, model: string): SdkModel {
  const makers = new Map<unknown, string>()
  for (const [key, value] of Object.entries(exports)) {
    if (wanted === undefined || key === wanted) if (makerOf(value)) makers.set(value, makers.get(value) ?? key)
  }
  const [found, other] = [...makers]
  if (!found || other) {
    const listed = other ? `${[...makers.values()].join(' and ')}. Name one: ${name}#${other[1]}` : 'none'
    const what = `expected an export ${wanted ? `"${wanted}" ` : ''}with embeddingModel(id) or textEmbeddingModel(id)`
    throw new AdapterTrainError('PROVIDER_MODEL', `${name}: ${what}, found ${listed}`)
  }
  const made = makerOf(found[0])!(model) as SdkModel
  if (!/^v[234]$/.test(made?.specificationVersion ?? '')) {
    const found = JSON.stringify(made?.specificationVersion)
    const problem = `${name}: expected a model of specification v2, v3 or v4, found ${found}`
    throw new AdapterTrainError('PROVIDER_MODEL', problem)
  }
  return made
}

function makerOf(value: unknown): ((id: string) => unknown) | undefined {
  const { embeddingModel, textEmbeddingModel } = (value ?? {}) as Record<string, unknown>
  const make = [embeddingModel, textEmbeddingModel].find(each => typeof each === 'function')
  return make && (id => (make as (id: string) => unknown).call(value, id))
}

/** Imports a package of the project in which the program runs, else one beside this package. */
async function importFromHere(name: string): Promise<Record<string, unknown>> {
  let place = name
  try {
    place = pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(name)).href
  } catch {
    // Not installed there, or without an entry for require.
  }
  return import(place)
}

async function load(name: string, run: () => Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    return (await run()) as Record<string, unknown>
  } catch (cause) {
    const code = name.startsWith(AI_SDK) ? 'PROVIDER_PACKAGE' : 'PROVIDER_MODEL'
    const fix = name.startsWith(AI_SDK) ? `. Install it: npm install ${name.slice(AI_SDK.length).split('#')[0]}` : ''
    throw new AdapterTrainError(code, `${name}: cannot be loaded: ${messageOf(cause)}${fix}`, { cause })
  }
}

function refuse(name: string, params: RequestParams | readonly string[], why: string): void {
  const [first] = Array.isArray(params) ? params : Object.keys(params)
  if (first !== undefined) throw usageError(`${name}: unknown field "${first}": ${why}`)
}

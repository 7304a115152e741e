import { existsSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { type Adapter, wrong } from '../adapters/adapter.js'
import { checkProjection } from '../adapters/stored-adapter.js'
import { usageError } from '../errors.js'
import { type ProviderName, providerNames } from '../providers/index.js'
import { PRESETS, type Preset, type PresetName } from '../providers/presets.js'
import { POOLINGS, type ProviderFacts, type ProviderOptions, RECORDED_OPTIONS } from '../providers/provider.js'
import { inCode } from '../words.js'

/** Options of the base model; what is absent comes from the adapter file. */
export interface BaseOptions extends ProviderOptions {
  /** Provider to use instead of the file's; all other facts of the file are then left aside. */
  readonly provider?: ProviderName | (string & {})
}

/** Returns provider and options of an adapter's base: those given, else recorded in the file at `path`, else in its id. */
export function baseOf(
  { base }: Adapter,
  { provider, ...given }: BaseOptions = {},
  path?: string,
): ProviderOptions & { readonly provider: string } {
  if (provider !== undefined) return { ...given, provider }
  const facts = base.provider === undefined ? factsOfId(base.id) : checkedFacts(base.provider, path)
  const fail = (problem: string, option: string, code: string) =>
    usageError(`the adapter's base model "${base.id}" ${problem}. Give ${option}${inCode(code)}`, { details: { base } })
  if (facts === undefined || !(providerNames as readonly string[]).includes(facts.name)) {
    const problem = 'cannot be opened from the adapter file alone'
    throw fail(problem, `--base, one of ${providerNames.join(', ')}`, '{ base: { provider } }, or wrapEmbedder')
  }
  const { name, needsBaseUrl, fingerprint, ...recorded } = facts
  const options = { ...recorded, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
  const hasAddress = given.baseUrl !== undefined || (name === 'openai' && process.env.OPENAI_BASE_URL?.trim())
  if (needsBaseUrl && !hasAddress)
    throw fail('is on a server whose address no adapter file holds', '--base-url URL', '{ base: { baseUrl } }')
  if (name !== 'sbert' || given.model !== undefined) return { ...options, provider: name }
  const model = fingerprint === undefined ? recorded.model : existingFolder(recorded.model, path)
  if (model === undefined) {
    const found = recorded.model === undefined ? '' : ` "${recorded.model}"`
    throw fail(`is a model folder${found} that is not found here`, '--model FOLDER', '{ base: { model } }')
  }
  return { ...options, model, provider: name }
}

/** Checks what a file records, and leaves out what this release does not know. */
function checkedFacts(facts: ProviderFacts, path = 'adapter'): ProviderFacts {
  const types = {
    ...Object.fromEntries([...RECORDED_OPTIONS, 'name', 'fingerprint'].map(key => [key, 'string'])),
    dimensions: 'number',
    maxInputTokens: 'number',
    normalize: 'boolean',
    needsBaseUrl: 'boolean',
    queryParams: 'object',
    documentParams: 'object',
    part: 'list',
    pca: 'object',
  }
  const { pooling = 'mean' } = facts ?? {}
  if (!POOLINGS.includes(pooling)) {
    const found = JSON.stringify(pooling)
    throw wrong(path, `"base.provider.pooling": expected one of ${POOLINGS.join(', ')}, found ${found}`)
  }
  const known = Object.entries(types).flatMap(([key, type]) => {
    const value: unknown = facts?.[key as keyof ProviderFacts]
    if (value === undefined && key !== 'name') return []
    if (key === 'pca') checkProjection(value, path)
    const isList = Array.isArray(value) && value.every(item => typeof item === 'string')
    if (type === 'list' ? isList : typeof value === type && value !== null && !Array.isArray(value)) return [[key, value]]
    throw wrong(path, `"base.provider.${key}": expected a ${type}, found ${JSON.stringify(value)}`)
  })
  return Object.fromEntries(known) as unknown as ProviderFacts
}

/** Names that the services give to their own models. */
const OWN_MODELS: Readonly<Record<string, RegExp>> = { openai: /^text-embedding-/, cohere: /^embed-/ }

/** True if only the user knows the address of a service's model. */
function hasNoAddress(name: string, model: string): boolean {
  const preset: Preset | undefined = PRESETS[name as PresetName]
  return preset ? preset.url === undefined : !OWN_MODELS[name]?.test(model)
}

/** Reads the facts that an id shows, such as `openai/text-embedding-3-small@512`; files without facts have no more. */
function factsOfId(id: string): ProviderFacts | undefined {
  const [, name, model, digits, changes] = /^([a-z]+)\/(.+?)(?:@(\d+))?(?:\?(.*))?$/s.exec(id) ?? []
  if (name === undefined) return undefined
  const dimensions = digits === undefined ? undefined : Number(digits)
  if (name === 'hashing') return { name, dimensions }
  if (name !== 'sbert') return { name, model, dimensions, needsBaseUrl: hasNoAddress(name, model) }
  const { pooling, normalize, maxInputTokens, ...rest } = Object.fromEntries(new URLSearchParams(changes))
  return {
    ...Object.fromEntries(RECORDED_OPTIONS.flatMap(key => (key in rest ? [[key, rest[key as 'dtype']]] : []))),
    ...(pooling !== undefined && { pooling: pooling as ProviderFacts['pooling'] }),
    ...(normalize !== undefined && { normalize: normalize === 'true' }),
    ...(maxInputTokens !== undefined && { maxInputTokens: Number(maxInputTokens) }),
    name,
    dimensions,
    // A name without an owner is that of a folder.
    model: model.includes('/') ? model : undefined,
  }
}

/** Returns the folder as it is named, or beside the adapter file; never one of another machine (`\\\\host\\share`). */
function existingFolder(folder: string | undefined, path: string | undefined): string | undefined {
  if (folder === undefined || /^[\\/]{2}/.test(folder)) return undefined
  if (/^~([/\\]|$)/.test(folder)) return folder
  const beside = path === undefined || isAbsolute(folder) ? [] : [resolve(dirname(path), folder)]
  return [resolve(folder), ...beside].find(place => existsSync(place))
}

import { AdapterTrainError, isAdapterTrainError } from '../../errors.js'
import { installedVersion } from '../../pipeline/doctor/packages.js'
import { loadProvider, providerNames } from '../../providers/index.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { isLocalModel } from '../../providers/sbert/files.js'
import { checkProviderArgs, openProvider, type ProviderArgs } from '../options/provider-options.js'

/** A base model as far as it can be looked at without sending or fetching anything. */
export interface OpenedBase {
  readonly name: string
  /** Absent where the model has to be fetched first. */
  readonly provider?: EmbeddingProvider
  readonly key: 'set' | 'missing' | 'not needed'
  /** Variable that holds the key, or has to. */
  readonly keyVariable?: string
  /** What using it does to the outside: texts are sent to a service, or a model is fetched. */
  readonly outside?: 'sends' | 'fetches'
  /** Why it cannot be used yet, and what to do. */
  readonly problem?: string
}

const SBERT_PACKAGE = '@huggingface/transformers'

/**
 * Looks at key, package and model folder.
 *
 * @throws USAGE when an option makes no sense to the provider
 * @throws PROVIDER_MODEL when the model's folder cannot be used
 */
export async function openBase(name: string, args: ProviderArgs): Promise<OpenedBase> {
  checkProviderArgs(name, args)
  const { keyVariables, defaultModel } = await loadProvider(name)
  if (name === 'sbert') return openLocal(args, args.model ?? defaultModel!)
  if (keyVariables.length === 0) return { name, provider: await openProvider(name, args), key: 'not needed' }
  const keyVariable = keyVariables.find(variable => process.env[variable]?.trim())
  try {
    const provider = await openProvider(name, args)
    return { name, provider, outside: 'sends', keyVariable, key: keyVariable === undefined ? 'not needed' : 'set' }
  } catch (error) {
    if (!isAdapterTrainError(error, 'PROVIDER_KEY')) throw error
    const problem =
      keyVariable === undefined
        ? `no key for ${name}: ${keyVariables[0]} is not set`
        : `${error.message} (${keyVariable})`
    const provider = await openProvider(name, args, 'none')
    return { name, provider, outside: 'sends', key: 'missing', keyVariable: keyVariables[0], problem }
  }
}

async function openLocal(args: ProviderArgs, model: string): Promise<OpenedBase> {
  const isLocal = await isLocalModel(model)
  const isInstalled = installedVersion(SBERT_PACKAGE) !== null
  return {
    name: 'sbert',
    key: 'not needed',
    ...(isLocal ? { provider: await openProvider('sbert', args) } : { outside: 'fetches' as const }),
    ...(!isInstalled && { problem: `sbert needs a package that is not installed: npm install ${SBERT_PACKAGE}` }),
  }
}

/** The base that is proposed: one whose key is there, else the one that needs nothing. */
export async function proposedBase(): Promise<string> {
  if (process.env.OPENAI_BASE_URL?.trim()) return 'openai'
  for (const name of providerNames) {
    const { keyVariables } = await loadProvider(name)
    if (keyVariables.some(variable => process.env[variable]?.trim())) return name
  }
  return 'hashing'
}

/** One line a provider, for the question. */
export async function baseChoices(): Promise<string[]> {
  const width = Math.max(...providerNames.map(name => name.length))
  return Promise.all(
    providerNames.map(async (name, i) => {
      const { description, keyVariables } = await loadProvider(name)
      const set = keyVariables.find(variable => process.env[variable]?.trim())
      const key = set ? ` (${set} is set)` : keyVariables.length > 0 ? ` (needs ${keyVariables[0]})` : ''
      return `  ${i + 1} ${name.padEnd(width)}  ${description}${key}`
    }),
  )
}

/**
 * Embeds one short text.
 * @returns the length of a vector
 * @throws as the provider
 */
export async function tryBase(provider: EmbeddingProvider, signal?: AbortSignal): Promise<number> {
  const [vector] = await provider.embed(['hello'], 'query', { signal })
  if (vector) return vector.length
  throw new AdapterTrainError('PROVIDER_RESPONSE', `${provider.id} gave no vector for one text`)
}

import { AdapterTrainError, isAdapterTrainError } from '../../errors.js'
import { installedVersion } from '../../pipeline/doctor/diagnosis.js'
import { loadProvider, providerNames } from '../../providers/index.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { isLocalModel } from '../../providers/sbert/files.js'
import { checkProviderArgs, openProvider, type ProviderArgs } from '../options/provider-options.js'

/** Base model as far as it is known without sending or downloading anything. */
export interface OpenedBase {
  readonly name: string
  /** Absent if the model has to be downloaded first. */
  readonly provider?: EmbeddingProvider
  readonly key: 'set' | 'missing' | 'not needed'
  /** Environment variable of the key. */
  readonly keyVariable?: string
  /** External effect of its use: texts are sent to a service, or a model is downloaded. */
  readonly outside?: 'sends' | 'fetches'
  /** Reason why it cannot be used yet, and the fix. */
  readonly problem?: string
}

const SBERT_PACKAGE = '@huggingface/transformers'

/** Checks key, package and model folder. */
export async function openBase(name: string, args: ProviderArgs): Promise<OpenedBase> {
  checkProviderArgs(name, args)
  const { keyVariables, defaultModel } = await loadProvider(name)
  if (name === 'sbert') return openLocal(args, args.model ?? defaultModel!)
  if (keyVariables.length === 0) {
    const provider = await openProvider(name, args)
    return { name, provider, key: 'not needed', ...(!provider.isLocal && { outside: 'sends' as const }) }
  }
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

/** Proposes a base: one whose key is set, else the one that needs none. */
export async function proposedBase(): Promise<string> {
  if (process.env.OPENAI_BASE_URL?.trim()) return 'openai'
  for (const name of providerNames) {
    const { keyVariables, addressForm } = await loadProvider(name)
    // An address cannot be proposed.
    if (addressForm === undefined && keyVariables.some(variable => process.env[variable]?.trim())) return name
  }
  return 'hashing'
}

/** Describes the providers for the question, one per line. */
export async function baseChoices(): Promise<string[]> {
  const width = Math.max(...providerNames.map(name => name.length))
  return Promise.all(
    providerNames.map(async (name, i) => {
      const { description, keyVariables } = await loadProvider(name)
      const set = keyVariables.find(variable => process.env[variable]?.trim())
      const key = set ? ` (${set} is set)` : keyVariables.length > 0 ? ` (needs ${keyVariables[0]})` : ''
      return `  ${String(i + 1).padStart(2)} ${name.padEnd(width)}  ${description}${key}`
    }),
  )
}

/** Embeds one short text. Returns the length of a vector. */
export async function tryBase(provider: EmbeddingProvider, signal?: AbortSignal): Promise<number> {
  const [vector] = await provider.embed(['hello'], 'query', { signal })
  if (vector) return vector.length
  throw new AdapterTrainError('PROVIDER_RESPONSE', `${provider.id} gave no vector for one text`)
}

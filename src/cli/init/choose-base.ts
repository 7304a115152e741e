import { AdapterTrainError, isAdapterTrainError, usageError } from '../../errors.js'
import { installedVersion } from '../../pipeline/doctor/diagnosis.js'
import { isOwnCode, loadProvider, providerNames } from '../../providers/index.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { isLocalModel } from '../../providers/sbert/files.js'
import type { InitArgs } from '../commands/init.js'
import { checkProviderArgs, openProvider, type ProviderArgs } from '../options/provider-options.js'
import { oneOf, type Prompter } from './prompter.js'

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
async function openBase(name: string, args: ProviderArgs): Promise<OpenedBase> {
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
      keyVariable === undefined ? `no key for ${name}: ${keyVariables[0]} is not set` : `${error.message} (${keyVariable})`
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
async function baseChoices(): Promise<string[]> {
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

export interface ChosenBase {
  readonly opened: OpenedBase
  /** Options of the provider, with base and model. */
  readonly args: ProviderArgs & { readonly base: string }
}

/** Chooses the base: that of the options, else of the answer, or without questions the proposed one. */
export async function chooseBase(given: InitArgs, prompter: Prompter | undefined): Promise<ChosenBase> {
  if (given.base !== undefined && isOwnCode(given.base))
    throw usageError(`--base ${given.base} is code, which the config file that init writes cannot name`)
  if (given.base !== undefined) return openWith(given, given.base, given.model)
  const proposed = await proposedBase()
  if (!prompter) return openWith(given, proposed, given.model)
  const choices = await baseChoices()
  prompter.say(`\nBase: the model that embeds your documents; the adapter is trained for it.\n${choices.join('\n')}`)
  const base = await prompter.ask(oneOf('base', providerNames, proposed))
  const { defaultModel, needsModel, addressForm } = await loadProvider(base)
  const isAsked = addressForm !== undefined && given.baseUrl === undefined
  const address = { text: `address, such as ${addressForm}`, read: (answer: string) => answer }
  const all = isAsked ? { ...given, baseUrl: await prompter.ask(address) } : given
  if (given.model !== undefined || !(defaultModel ?? needsModel)) return openWith(all, base, given.model)
  const text = base === 'sbert' ? 'model, a hub id or a folder' : 'model'
  return prompter.ask({ text, fallback: defaultModel, read: model => openWith(all, base, model) })
}

async function openWith(given: InitArgs, base: string, model: string | undefined): Promise<ChosenBase> {
  const args = { ...given, base, model }
  return { args, opened: await openBase(base, args) }
}

/** Chooses the dimensions of a truncated index: those of the option, else of the answer, else half of the base's. */
export async function chooseDimensionsOut(
  { dimensionsOut }: InitArgs,
  { provider }: OpenedBase,
  prompter: Prompter | undefined,
): Promise<number> {
  const all = provider?.dimensions
  const check = (value: number): number => {
    if (Number.isSafeInteger(value) && value >= 1 && (all === undefined || value < all)) return value
    const range = all === undefined ? 'of at least 1' : `from 1 to ${all - 1}, less than the ${all} of the base`
    throw usageError(`--dimensions-out must be a whole number ${range}; found ${value}`)
  }
  if (dimensionsOut !== undefined) return check(dimensionsOut)
  const half = all === undefined ? undefined : Math.floor(all / 2)
  if (prompter) {
    return prompter.ask({
      text: 'dimensions that the index stores',
      fallback: half?.toString(),
      read: answer => check(Number(answer)),
    })
  }
  if (half !== undefined) return check(half)
  throw usageError('--goal truncated needs --dimensions-out, the dimensions that the index stores')
}

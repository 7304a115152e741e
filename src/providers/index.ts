import { AdapterTrainError } from '../errors.js'
import { nearest } from '../words.js'
import { PRESETS, type PresetName } from './presets.js'
import type { ProviderFactory, ProviderOptions } from './provider.js'

type Load = () => Promise<ProviderFactory>

const PROVIDERS = {
  openai: async () => (await import('./openai.js')).openai,
  cohere: async () => (await import('./cohere.js')).cohere,
  sbert: async () => (await import('./sbert.js')).sbert,
  hashing: async () => (await import('./hashing.js')).hashing,
  ...(Object.fromEntries(
    Object.keys(PRESETS).map(name => [
      name,
      async () => (await import('./preset-provider.js')).presetFactory(name as PresetName),
    ]),
  ) as Record<PresetName, Load>),
  compose: async (): Promise<ProviderFactory> => (await import('./compose.js')).composeFactory(loadProvider),
} satisfies Record<string, Load>

/** Name of a built-in provider. */
export type ProviderName = keyof typeof PROVIDERS

/** Every name, in the order of the help. */
export const providerNames: readonly ProviderName[] = Object.keys(PROVIDERS) as ProviderName[]

/** True for a base that runs code of the user's: `ai-sdk:PACKAGE`, or the path of a module. Only from the command line or code. */
export const isOwnCode = (name: string): boolean => /^ai-sdk:.|^file:|^\.{0,2}[\\/]|^[a-z]:[\\/]|\.[cm]?js$/i.test(name)

/** Loads the description, default model and key variables of a provider. */
export async function loadProvider(name: string): Promise<ProviderFactory> {
  if (isOwnCode(name)) return (await import('./own-code.js')).ownCodeFactory(name)
  if (!Object.hasOwn(PROVIDERS, name)) {
    const near = nearest(name, providerNames)
    const hint = near ? ` (did you mean ${near}?)` : ''
    const message = `provider "${name}" is not known; expected one of ${providerNames.join(', ')}${hint}`
    throw new AdapterTrainError('PROVIDER_UNKNOWN', message)
  }
  return PROVIDERS[name as ProviderName]()
}

/**
 * Makes an embedding provider.
 * @param name one of `providerNames`; or code of yours, `ai-sdk:PACKAGE` or the path of a module that exports an embedder, which
 *   then runs: never take it from a file
 * @param options each provider reads those it supports
 * @throws PROVIDER_UNKNOWN when the name is none of these
 * @throws PROVIDER_KEY when a required key is not set
 * @throws PROVIDER_MODEL when the model cannot be found or used
 */
export async function createProvider(name: ProviderName | (string & {}), options: ProviderOptions = {}) {
  return (await loadProvider(name)).create(options)
}

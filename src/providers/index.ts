import { AdapterTrainError } from '../errors.js'
import { nearest } from '../nearest.js'
import type { ProviderFactory } from './factory.js'
import type { EmbeddingProvider, ProviderOptions } from './provider.js'

export { customProvider } from './custom.js'

/** Every provider by name; a provider's code loads when it is first asked for. */
const PROVIDERS = {
  openai: () => import('./openai.js').then(module => module.openai),
  cohere: () => import('./cohere.js').then(module => module.cohere),
  sbert: () => import('./sbert.js').then(module => module.sbert),
  hashing: () => import('./hashing.js').then(module => module.hashing),
} satisfies Record<string, () => Promise<ProviderFactory>>

/** Name of a provider of the registry. */
export type ProviderName = keyof typeof PROVIDERS

/** Names of all providers, in the order in which help shows them. */
export const providerNames: readonly ProviderName[] = Object.keys(PROVIDERS) as ProviderName[]

/**
 * What is known of a provider without making one: description, default model, key variables.
 * @throws PROVIDER_UNKNOWN when there is none of that name
 */
export async function loadProvider(name: string): Promise<ProviderFactory> {
  if (!Object.hasOwn(PROVIDERS, name)) {
    const near = nearest(name, providerNames)
    throw new AdapterTrainError(
      'PROVIDER_UNKNOWN',
      `there is no provider "${name}"; expected one of ${providerNames.join(', ')}${near ? ` (did you mean ${near}?)` : ''}`,
    )
  }
  return PROVIDERS[name as ProviderName]()
}

/**
 * Makes an embedding provider.
 *
 * @param options each provider reads those that make sense to it
 * @throws PROVIDER_UNKNOWN when there is none of that name
 * @throws PROVIDER_KEY when a key is needed and not set
 * @throws PROVIDER_MODEL when the model cannot be found or used
 */
export async function createProvider(
  name: ProviderName | (string & {}),
  options: ProviderOptions = {},
): Promise<EmbeddingProvider> {
  const factory = await loadProvider(name)
  return factory.create(options)
}

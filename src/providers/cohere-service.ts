import type { CohereClientV2 } from 'cohere-ai'
import { resolveApiKey } from './api-key.js'
import { type BaseUrl, parseBaseUrl } from './base-url.js'
import type { Service } from './http-error.js'
import type { Transport } from './send-request.js'

export const COHERE_KEY_VARIABLES = ['CO_API_KEY', 'COHERE_API_KEY']

const OWN_URL = 'https://api.cohere.com'

/** Cohere's tokenizers differ from cl100k by some percent in either direction; a fifth more makes it an upper estimate. */
export const COHERE_TOKEN_RATIO = 1.2

/** A server that speaks Cohere's protocol, and the key for it. */
export interface CohereService {
  readonly service: Service
  readonly address: BaseUrl
  /** Whether it is Cohere's own. */
  readonly own: boolean
}

/**
 * Cohere, or the server of `baseUrl`, which needs no key; one that is known is sent to it.
 *
 * @param maker the function that takes the options, for the error
 * @throws USAGE when the address is not valid
 * @throws PROVIDER_KEY when Cohere's own has no key, or the key cannot be one
 */
export function cohereService(
  model: string,
  { baseUrl, apiKey }: { readonly baseUrl?: string; readonly apiKey?: string },
  { task, maker }: { readonly task?: Service['task']; readonly maker?: string } = {},
): CohereService {
  const given = parseBaseUrl(baseUrl || OWN_URL, 'option baseUrl')
  // The library adds the version to the path itself.
  const address = { ...given, href: given.href.replace(/\/v[12]$/, '') }
  const own = /(^|\.)api\.cohere\.(com|ai)$/.test(address.hostname)
  const service = {
    provider: 'cohere',
    model,
    baseUrl: address.href === OWN_URL ? undefined : address.href,
    key: resolveApiKey('cohere', apiKey, COHERE_KEY_VARIABLES, own, maker),
    keyVariables: COHERE_KEY_VARIABLES,
    task,
  }
  return { service, address, own }
}

/**
 * Loads Cohere's library.
 * @returns makes a client for one request, which is not tried again
 */
export async function loadCohere(
  { key }: Service,
  environment: string,
): Promise<(transport: Transport) => CohereClientV2> {
  const { CohereClientV2 } = await import('cohere-ai')
  return ({ timeoutMs, fetch }) =>
    new CohereClientV2({ token: key ?? 'none', environment, maxRetries: 0, timeoutInSeconds: timeoutMs / 1000, fetch })
}

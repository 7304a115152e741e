import type { CohereClientV2 } from 'cohere-ai'
import { parseBaseUrl } from './base-url.js'
import type { Service } from './http-error.js'
import { type RemoteOptions, type RemoteService, type RemoteTask, remoteService } from './remote-service.js'
import type { Transport } from './send-request.js'

export const COHERE_KEY_VARIABLES = ['CO_API_KEY', 'COHERE_API_KEY']

const OWN = {
  name: 'cohere',
  url: 'https://api.cohere.com',
  hosts: /(^|\.)api\.cohere\.(com|ai)$/,
  keyVariables: COHERE_KEY_VARIABLES,
}

/** Cohere's tokenizers differ from cl100k by some percent in either direction; a fifth more makes it an upper estimate. */
export const COHERE_TOKEN_RATIO = 1.2

/**
 * Cohere, or the server of `baseUrl`, which needs no key; one that is known is sent to it.
 * @throws USAGE when the address is not valid
 * @throws as `remoteService`
 */
export function cohereService(model: string, { baseUrl, apiKey }: RemoteOptions, task: RemoteTask = {}): RemoteService {
  const given = parseBaseUrl(baseUrl || OWN.url, 'option baseUrl')
  // The library adds the version to the path itself.
  const address = { ...given, href: given.href.replace(/\/v[12]$/, '') }
  return remoteService(OWN, model, address, apiKey, task)
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

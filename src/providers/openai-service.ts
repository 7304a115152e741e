import type { OpenAI } from 'openai'
import { resolveApiKey } from './api-key.js'
import { type BaseUrl, parseBaseUrl } from './base-url.js'
import type { Service } from './http-error.js'
import type { Transport } from './send-request.js'

export const OPENAI_KEY_VARIABLES = ['OPENAI_API_KEY']

const OWN_URL = 'https://api.openai.com/v1'

/** A server that speaks OpenAI's protocol, and the key for it. */
export interface OpenAIService {
  readonly service: Service
  readonly address: BaseUrl
  /** Whether it is OpenAI's own. */
  readonly own: boolean
}

/**
 * OpenAI, or the server of `baseUrl`, else of `OPENAI_BASE_URL`. Another server needs no key; one that is known is sent to it.
 *
 * @param maker the function that takes the options, for the error
 * @throws USAGE when the address is not valid
 * @throws PROVIDER_KEY when OpenAI's own has no key, or the key cannot be one
 */
export function openaiService(
  model: string,
  { baseUrl, apiKey }: { readonly baseUrl?: string; readonly apiKey?: string },
  { task, maker }: { readonly task?: Service['task']; readonly maker?: string } = {},
): OpenAIService {
  const address = baseUrl
    ? parseBaseUrl(baseUrl, 'option baseUrl')
    : parseBaseUrl(process.env.OPENAI_BASE_URL?.trim() || OWN_URL, 'OPENAI_BASE_URL')
  const own = /(^|\.)api\.openai\.com$/.test(address.hostname)
  const service = {
    provider: 'openai',
    model,
    baseUrl: address.href === OWN_URL ? undefined : address.href,
    key: resolveApiKey('openai', apiKey, OPENAI_KEY_VARIABLES, own, maker),
    keyVariables: OPENAI_KEY_VARIABLES,
    task,
  }
  return { service, address, own }
}

/**
 * Loads OpenAI's library.
 * @returns makes a client for one request, which is not tried again
 */
export async function loadOpenAI({ key }: Service, baseURL: string): Promise<(transport: Transport) => OpenAI> {
  const { OpenAI } = await import('openai')
  return ({ timeoutMs, fetch }) =>
    new OpenAI({ apiKey: key ?? 'none', baseURL, maxRetries: 0, timeout: timeoutMs, fetch })
}

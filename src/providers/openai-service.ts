import type { OpenAI } from 'openai'
import { parseBaseUrl } from './base-url.js'
import type { Service } from './http-error.js'
import { type RemoteOptions, type RemoteService, type RemoteTask, remoteService } from './remote-service.js'
import type { Transport } from './send-request.js'

export const OPENAI_KEY_VARIABLES = ['OPENAI_API_KEY']

const OWN = {
  name: 'openai',
  url: 'https://api.openai.com/v1',
  hosts: /(^|\.)api\.openai\.com$/,
  keyVariables: OPENAI_KEY_VARIABLES,
}

/**
 * OpenAI, or the server of `baseUrl`, else of `OPENAI_BASE_URL`. Another server needs no key; one that is known is sent to it.
 * @throws USAGE when the address is not valid
 * @throws as `remoteService`
 */
export function openaiService(model: string, { baseUrl, apiKey }: RemoteOptions, task: RemoteTask = {}): RemoteService {
  const address = baseUrl
    ? parseBaseUrl(baseUrl, 'option baseUrl')
    : parseBaseUrl(process.env.OPENAI_BASE_URL?.trim() || OWN.url, 'OPENAI_BASE_URL')
  return remoteService(OWN, model, address, apiKey, task)
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

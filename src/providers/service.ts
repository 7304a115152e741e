import type { CohereClientV2 } from 'cohere-ai'
import type { OpenAI } from 'openai'
import { AdapterTrainError, usageError } from '../errors.js'
import { optionWord } from '../words.js'
import { type RequestLimits, sendRequest } from './http.js'
import type { Service } from './http-error.js'
import type { ProviderOptions } from './provider.js'

/** Finds a service's key: the option, else the first variable set. `required`: every request is refused without. */
export function resolveApiKey(
  provider: string,
  option: string | undefined,
  variables: readonly string[],
  required: boolean,
  maker = 'createProvider',
): string | undefined {
  const candidates: [source: string, value: string | undefined][] = [
    ['the option apiKey', option],
    ...variables.map((name): [string, string | undefined] => [name, process.env[name]]),
  ]
  for (const [source, value] of candidates) {
    const key = value?.trim()
    if (!key) continue
    // Checked here because fetch quotes the whole header, and with it the key, when a character is not allowed in it.
    if (!/^[\x21-\x7e]+$/.test(key)) {
      const problem = 'contains a space or a character no key has, such as the "…" of a shortened display'
      const message = `the ${provider} key from ${source} ${problem}. Copy the whole key again`
      throw new AdapterTrainError('PROVIDER_KEY', message, { details: { provider, source } })
    }
    return key
  }
  if (!required) return undefined
  const todo = `Set ${variables.join(' or ')}${optionWord('apiKey') && `, or pass { apiKey } to ${maker}`}`
  throw new AdapterTrainError('PROVIDER_KEY', `no key for ${provider}. ${todo}`, { details: { provider, variables } })
}

const LOOPBACK = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::\]|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]+\])$/

/**
 * Reads the address of a service.
 * @param source option or environment variable it comes from, for the error
 * @returns the address without a slash at the end, and its host without port, `localhost` for every loopback host; neither contains
 *   a secret
 */
function parseBaseUrl(value: string, source: string): { readonly url: string; readonly host: string } {
  const text = value.trim()
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    // Text that cannot be parsed may still contain a password or a key, so it is shown only if it has no place for one.
    const shown = /[@?#]/.test(text) ? '' : `, found ${JSON.stringify(text)}`
    const expected = 'expected an http:// or https:// address such as http://localhost:11434/v1'
    throw usageError(`base URL (${source}): ${expected}${shown}`)
  }
  if (url.username || url.password || url.search || url.hash) {
    const problem = 'expected an address alone, found a user name, a password, a query or a fragment'
    const fix = `Give the key ${optionWord('apiKey') && 'as { apiKey } or '}in its environment variable`
    throw usageError(`base URL (${source}) for ${url.host}: ${problem}. ${fix}`)
  }
  const host = url.hostname.replace(/\.$/, '')
  return { url: url.href.replace(/\/+$/, ''), host: LOOPBACK.test(host) ? 'localhost' : host }
}

/** Server with a provider's protocol, and the key for it. */
export interface RemoteService extends Service {
  readonly url: string
  /** Host of a server other than the provider's own. */
  readonly host?: string
}

interface RemoteOptions extends Pick<ProviderOptions, 'baseUrl' | 'apiKey'> {
  readonly task?: Service['task']
  readonly maker?: string
}

/** What tells a service from a server of the user's that speaks its protocol. */
export interface ServiceAddress {
  /** Public address; absent if only the user knows it. */
  readonly url?: string
  /** Form of the address that only the user knows, for messages. */
  readonly addressForm?: string
  /** The service's own hosts, which need a key; default the host of `url`. */
  readonly hosts?: RegExp
  /** Environment variables of the key; empty if the server takes none. */
  readonly keyVariables: readonly string[]
  /** Default `Authorization: Bearer`. */
  readonly keyHeader?: string
}

/** Chooses a service, or the server of `baseUrl`, which needs no key; a known key is sent to it. */
export function remoteService(
  provider: string,
  model: string,
  { baseUrl, apiKey, task, maker }: RemoteOptions,
  { url: ownUrl, addressForm, hosts, keyVariables, keyHeader }: ServiceAddress,
  source = 'option baseUrl',
): RemoteService {
  const address = baseUrl || ownUrl
  if (address === undefined) {
    const give = `Give ${optionWord('baseUrl')}, such as ${addressForm}`
    throw usageError(`${provider}: missing address; no adapter file and no default holds it. ${give}`)
  }
  const { url, host } = parseBaseUrl(address, source)
  const isOwn = hosts ? hosts.test(host) : ownUrl !== undefined && parseBaseUrl(ownUrl, source).host === host
  return {
    provider,
    model,
    url,
    baseUrl: url === ownUrl ? undefined : url,
    // An address that only the user knows may have a model of its own under any name.
    host: isOwn && ownUrl !== undefined ? undefined : host,
    key: resolveApiKey(provider, apiKey, keyVariables, isOwn && keyVariables.length > 0, maker),
    keyVariables,
    keyHeader,
    task,
  }
}

export const OPENAI: ServiceAddress = {
  url: 'https://api.openai.com/v1',
  hosts: /(^|\.)api\.openai\.com$/,
  keyVariables: ['OPENAI_API_KEY'],
}

/** Chooses OpenAI, or the server of `baseUrl`, else of `OPENAI_BASE_URL`. Another server needs no key; a known key is sent to it. */
export function openaiService(model: string, options: RemoteOptions): RemoteService {
  if (options.baseUrl) return remoteService('openai', model, options, OPENAI)
  const baseUrl = process.env.OPENAI_BASE_URL?.trim()
  return remoteService('openai', model, { ...options, baseUrl }, OPENAI, 'OPENAI_BASE_URL')
}

/** Sends one request through a service's own library; see {@link sendRequest} for the errors. */
export type Call<Client, Request> = <T>(
  limits: RequestLimits,
  send: (client: Client, request: Request) => Promise<T>,
) => Promise<T>

/** Loads OpenAI's library, its retries off. */
export async function loadOpenAI(service: RemoteService): Promise<Call<OpenAI, { readonly signal: AbortSignal }>> {
  const { OpenAI } = await import('openai')
  const options = { apiKey: service.key ?? 'none', baseURL: service.url, maxRetries: 0 }
  return (limits, send) =>
    sendRequest(service, limits, ({ fetch, signal, timeoutMs }) =>
      send(new OpenAI({ ...options, timeout: timeoutMs, fetch }), { signal }),
    )
}

export const COHERE: ServiceAddress = {
  url: 'https://api.cohere.com',
  hosts: /(^|\.)api\.cohere\.(com|ai)$/,
  keyVariables: ['CO_API_KEY', 'COHERE_API_KEY'],
}

/** Cohere's tokens per token of cl100k_base, at most: its tokenizers differ by some percent in either direction. */
export const COHERE_TOKEN_RATIO = 1.2

/** Chooses Cohere, or the server of `baseUrl`, which needs no key; a known key is sent to it. */
export function cohereService(model: string, options: RemoteOptions): RemoteService {
  const service = remoteService('cohere', model, options, COHERE)
  // The library adds the version to the path itself.
  const strip = (url: string) => url.replace(/\/v[12]$/, '')
  const { url, baseUrl } = service
  return { ...service, url: strip(url), baseUrl: strip(url) === COHERE.url ? undefined : baseUrl && strip(baseUrl) }
}

/** Loads Cohere's library, its retries off. */
export async function loadCohere(service: RemoteService): Promise<Call<CohereClientV2, { abortSignal: AbortSignal }>> {
  const { CohereClientV2 } = await import('cohere-ai')
  const options = { token: service.key ?? 'none', environment: service.url, maxRetries: 0 }
  return (limits, send) =>
    sendRequest(service, limits, ({ fetch, signal, timeoutMs }) =>
      send(new CohereClientV2({ ...options, timeoutInSeconds: timeoutMs / 1000, fetch }), { abortSignal: signal }),
    )
}

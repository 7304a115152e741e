import { resolveApiKey } from './api-key.js'
import type { BaseUrl } from './base-url.js'
import type { Service } from './http-error.js'

/** A server that speaks a provider's protocol, and the key for it. */
export interface RemoteService {
  readonly service: Service
  readonly address: BaseUrl
  /** Whether it is the provider's own. */
  readonly own: boolean
}

/** What a user says of a server: its address, in place of the provider's own, and the key, in place of the environment's. */
export interface RemoteOptions {
  readonly baseUrl?: string
  readonly apiKey?: string
}

/** What a server is asked for. */
export interface RemoteTask {
  readonly task?: Service['task']
  /** The function that takes the options, for the error. */
  readonly maker?: string
}

/** What is known of a provider. */
export interface RemoteProvider {
  readonly name: string
  readonly url: string
  readonly hosts: RegExp
  readonly keyVariables: readonly string[]
}

/**
 * The provider's own server, which needs a key, or another one, which does not; a key that is known is sent to it.
 * @throws PROVIDER_KEY when the provider's own has no key, or the key cannot be one
 */
export function remoteService(
  { name, url, hosts, keyVariables }: RemoteProvider,
  model: string,
  address: BaseUrl,
  apiKey: string | undefined,
  { task, maker }: RemoteTask,
): RemoteService {
  const own = hosts.test(address.hostname)
  const service = {
    provider: name,
    model,
    baseUrl: address.href === url ? undefined : address.href,
    key: resolveApiKey(name, apiKey, keyVariables, own, maker),
    keyVariables,
    task,
  }
  return { service, address, own }
}

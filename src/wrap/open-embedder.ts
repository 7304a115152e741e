import type { Adapter } from '../adapters/adapter.js'
import { loadAdapter } from '../adapters/file.js'
import { createProvider } from '../providers/index.js'
import { type BaseOptions, baseOf } from './recorded-base.js'
import { type WrapOptions, wrapProvider } from './wrap-provider.js'

export interface OpenEmbedderOptions extends WrapOptions {
  readonly base?: BaseOptions
}

/**
 * Opens the base model that an adapter file names, and puts the adapter in front of it.
 *
 * ```ts const embedder = await openEmbedder('adapters/finance.json') ```
 *
 * Addresses, keys and code never come from the file: a model on a server of your own needs `{ base: { baseUrl } }`, keys come from
 * the environment or from `{ base: { apiKey } }`, and a model behind your own function needs `wrapEmbedder`.
 * @throws USAGE if the file does not say enough; the message names the option to give
 * @throws ADAPTER_MISMATCH if the opened model is not the adapter's base model
 * @throws as `loadAdapter` and `createProvider`
 */
export async function openEmbedder(adapter: string | Adapter, { base, ...options }: OpenEmbedderOptions = {}) {
  const path = typeof adapter === 'string' ? adapter : undefined
  const { provider: name, ...own } = baseOf(typeof adapter === 'string' ? loadAdapter(adapter) : adapter, base, path)
  const provider = await createProvider(name, own)
  try {
    return wrapProvider(provider, adapter, options)
  } catch (error) {
    await provider.close?.()
    throw error
  }
}

import type { EmbeddingProvider, ProviderOptions } from './provider.js'

/** How the registry knows and makes one provider. */
export interface ProviderFactory {
  /** The name that users give, such as `openai`. */
  readonly name: string
  /** One line for `--help` and the doctor. */
  readonly description: string
  readonly defaultModel?: string
  /** Environment variables that hold its key, in order of preference; empty for a local provider. */
  readonly keyVariables: readonly string[]
  create(options: ProviderOptions): Promise<EmbeddingProvider>
}

import { type AdapterInput, type AdaptOptions, openAdapter } from '../adapter-source.js'
import { overrideMembers } from '../override-members.js'
import { modelFacts } from './model-facts.js'

/** Anything with LangChain's two methods. */
export interface Embedder {
  /** One vector for a query. */
  embedQuery(text: string): Promise<number[]>
  /** One vector for each document, in order. */
  embedDocuments(texts: string[]): Promise<number[][]>
}

export function isEmbedder(x: unknown): x is Embedder {
  const candidate = x as Partial<Embedder> | null | undefined
  return typeof candidate?.embedQuery === 'function' && typeof candidate.embedDocuments === 'function'
}

/**
 * Adapts `embedQuery`; `embedDocuments` stays as it is, but for the dimensions that the adapter leaves out.
 * @throws as `openAdapter`
 */
export function wrapEmbedderObject<T extends Embedder>(embedder: T, input: AdapterInput, options: AdaptOptions): T {
  const source = openAdapter(input, options, modelFacts(embedder))
  return overrideMembers<T, Embedder>(embedder, {
    async embedQuery(text) {
      const { adaptQuery } = source.now()
      return Array.from(adaptQuery(await embedder.embedQuery(text)))
    },
    async embedDocuments(texts) {
      const { fitDocument } = source.now()
      return (await embedder.embedDocuments(texts)).map(d => fitDocument(d))
    },
  })
}

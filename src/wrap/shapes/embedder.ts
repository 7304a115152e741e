import { type AdapterInput, type AdapterSource, type AdaptOptions, openAdapter } from '../adapter-source.js'
import { hasMethods, modelFacts, overrideMembers } from '../override-members.js'

/** Object with LangChain's two methods. */
export interface Embedder {
  /** Returns the vector of a query. */
  embedQuery(text: string): Promise<number[]>
  /** Returns one vector per document, in order. */
  embedDocuments(texts: string[]): Promise<number[][]>
}

/** Both vectors of a query, for an index that is being embedded anew. */
export interface BothVectors {
  /** The model's own, for rows that have been embedded with it. */
  readonly native: number[]
  /** The adapted one, for the other rows. */
  readonly mapped: number[]
}

/** Object that gives both vectors of a query in one call. */
export interface BothEmbedder {
  /** Embeds a query once, and returns its vector with and without the adapter. */
  embedQueryBoth(text: string): Promise<BothVectors>
}

export const isEmbedder = (x: unknown): x is Embedder => hasMethods(x, 'embedQuery', 'embedDocuments')

/**
 * Puts an adapter in front of a LangChain embedding, or any object of the same methods: `embedQuery` is adapted, `embedDocuments`
 * only loses the dimensions that the adapter leaves out.
 * @returns an object of the same class, for vector stores and retrievers as they are
 * @throws as `wrapEmbedder`
 */
export function wrapEmbedderObject<T extends Embedder>(
  embedder: T,
  input: AdapterInput,
  options: AdaptOptions = {},
): T & BothEmbedder {
  return overrideMembers(embedder, adaptedEmbedder(embedder, openAdapter(input, options, modelFacts(embedder))))
}

export function adaptedEmbedder(embedder: Embedder, source: AdapterSource): Embedder & BothEmbedder {
  return {
    async embedQuery(text) {
      const { adaptQuery } = source.now()
      return Array.from(adaptQuery(await embedder.embedQuery(text), text))
    },
    async embedQueryBoth(text) {
      const { adaptQuery } = source.now()
      const native = await embedder.embedQuery(text)
      return { native, mapped: Array.from(adaptQuery(native, text)) }
    },
    async embedDocuments(texts) {
      const { fitDocument } = source.now()
      return (await embedder.embedDocuments(texts)).map(d => fitDocument(d))
    },
  }
}

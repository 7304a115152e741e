import { type AdapterInput, type AdaptOptions, openAdapter } from '../adapter-source.js'
import { hasMethods, modelFacts, overrideMembers } from '../override-members.js'

/** Embedding of LlamaIndex.TS; instances are functions that embed nodes. */
export interface TextEmbeddingLike {
  /** Returns the vector of a query. */
  getQueryEmbedding(query: never): Promise<number[] | null>
  /** Returns the vector of a document. */
  getTextEmbedding(text: string): Promise<number[]>
  /** Returns one vector per document, in order. */
  getTextEmbeddings(texts: string[]): Promise<number[][]>
  /** Returns the same, in batches. */
  getTextEmbeddingsBatch(texts: string[], options?: never): Promise<number[][]>
}

export const isTextEmbedding = (x: unknown): x is TextEmbeddingLike => hasMethods(x, 'getQueryEmbedding', 'getTextEmbedding')

/** The words of a query: a string, or an object with a `text`. */
function textOf(query: unknown): string | undefined {
  const text = typeof query === 'object' && query !== null && 'text' in query ? query.text : query
  return typeof text === 'string' ? text : undefined
}

/**
 * Puts an adapter in front of a LlamaIndex.TS embedding: `getQueryEmbedding` is adapted, texts and nodes only lose the dimensions
 * that the adapter leaves out.
 *
 * Its makers no longer maintain LlamaIndex.TS; this is for what runs on it already.
 * @throws as `wrapEmbedder`
 */
export function wrapTextEmbedding<T extends TextEmbeddingLike>(embedding: T, input: AdapterInput, options: AdaptOptions = {}): T {
  const source = openAdapter(input, options, modelFacts(embedding))
  const fitAll = (vectors: number[][]): number[][] => vectors.map(d => source.now().fitDocument(d))
  const members: TextEmbeddingLike = {
    async getQueryEmbedding(query) {
      const { adaptQuery } = source.now()
      const vector = await embedding.getQueryEmbedding(query)
      return vector && Array.from(adaptQuery(vector, textOf(query)))
    },
    getTextEmbedding: async text => source.now().fitDocument(await embedding.getTextEmbedding(text)),
    getTextEmbeddings: async texts => fitAll(await embedding.getTextEmbeddings(texts)),
    getTextEmbeddingsBatch: async (texts, batch) => fitAll(await embedding.getTextEmbeddingsBatch(texts, batch)),
  }
  const embedNodes = async (...args: unknown[]): Promise<unknown> => {
    const nodes = await (embedding as unknown as (...args: unknown[]) => Promise<{ embedding?: number[] }[]>)(...args)
    for (const node of nodes) if (node.embedding) node.embedding = source.now().fitDocument(node.embedding)
    return nodes
  }
  return overrideMembers<T, TextEmbeddingLike>(embedding, members, embedNodes)
}

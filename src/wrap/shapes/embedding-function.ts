import { type AdapterInput, type AdapterSource, type AdaptOptions, openAdapter } from '../adapter-source.js'
import { hasMethods, modelFacts, overrideMembers } from '../override-members.js'

/** Dense embedding function of Chroma. */
export interface EmbeddingFunctionLike {
  /** Returns one vector per text, in order. */
  generate(texts: string[]): Promise<number[][]>
  /** Returns one vector per query, in order. */
  generateForQueries?(texts: string[]): Promise<number[][]>
}

export const isEmbeddingFunction = (x: unknown): x is EmbeddingFunctionLike => hasMethods(x, 'generate')

/**
 * Puts an adapter in front of a Chroma embedding function: `generateForQueries`, which Chroma calls for `queryTexts`, is adapted;
 * `generate` only loses the dimensions left out. What Chroma stores of the function's configuration is what it stored before, so
 * give the adapted one to `getCollection` as well.
 * @throws as `wrapEmbedder`
 */
export function wrapEmbeddingFunction<T extends EmbeddingFunctionLike>(
  fn: T,
  input: AdapterInput,
  options: AdaptOptions = {},
): T & Required<EmbeddingFunctionLike> {
  return overrideMembers(fn, adaptedFunction(fn, openAdapter(input, options, modelFacts(fn))))
}

/** Makes the adapted methods of an embedding function. */
export function adaptedFunction(fn: EmbeddingFunctionLike, source: AdapterSource): Required<EmbeddingFunctionLike> {
  return {
    async generate(texts) {
      const { fitDocument } = source.now()
      return (await fn.generate(texts)).map(d => fitDocument(d))
    },
    async generateForQueries(texts) {
      const { adaptQuery } = source.now()
      const vectors = await (fn.generateForQueries ? fn.generateForQueries(texts) : fn.generate(texts))
      return vectors.map((q, i) => Array.from(adaptQuery(q, texts[i])))
    },
  }
}

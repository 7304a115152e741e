import { type AdapterInput, type AdaptOptions, openAdapter } from '../adapter-source.js'
import { overrideMembers } from '../override-members.js'
import { modelFacts } from './model-facts.js'

/** What a dense embedding function of Chroma is here. */
export interface EmbeddingFunctionLike {
  /** One vector for each text, in order. */
  generate(texts: string[]): Promise<number[][]>
  /** One vector for each query, in order. */
  generateForQueries?(texts: string[]): Promise<number[][]>
}

export function isEmbeddingFunction(x: unknown): x is EmbeddingFunctionLike {
  return typeof (x as Partial<EmbeddingFunctionLike> | null | undefined)?.generate === 'function'
}

/**
 * Adapts `generateForQueries`, which Chroma calls for `queryTexts`; `generate` stays as it is, but for the dimensions that the
 * adapter leaves out.
 * @throws as `openAdapter`
 */
export function wrapEmbeddingFunction<T extends EmbeddingFunctionLike>(
  fn: T,
  input: AdapterInput,
  options: AdaptOptions,
): T & Required<EmbeddingFunctionLike> {
  const source = openAdapter(input, options, modelFacts(fn))
  return overrideMembers<T, Required<EmbeddingFunctionLike>>(fn, {
    async generate(texts) {
      const { fitDocument } = source.now()
      return (await fn.generate(texts)).map(d => fitDocument(d))
    },
    async generateForQueries(texts) {
      const { adaptQuery } = source.now()
      const vectors = await (fn.generateForQueries ? fn.generateForQueries(texts) : fn.generate(texts))
      return vectors.map(q => Array.from(adaptQuery(q)))
    },
  })
}

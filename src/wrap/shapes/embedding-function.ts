import { type AdapterInput, type AdaptOptions, openAdapter } from '../adapter-source.js'
import { modelFacts, overrideMembers } from '../override-members.js'

/** Dense embedding function of Chroma. */
export interface EmbeddingFunctionLike {
  /** Returns one vector per text, in order. */
  generate(texts: string[]): Promise<number[][]>
  /** Returns one vector per query, in order. */
  generateForQueries?(texts: string[]): Promise<number[][]>
}

export function isEmbeddingFunction(x: unknown): x is EmbeddingFunctionLike {
  return typeof (x as Partial<EmbeddingFunctionLike> | null | undefined)?.generate === 'function'
}

/** Adapts `generateForQueries`, which Chroma calls for `queryTexts`; `generate` only loses the dimensions left out. */
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
      return vectors.map((q, i) => Array.from(adaptQuery(q, texts[i])))
    },
  })
}

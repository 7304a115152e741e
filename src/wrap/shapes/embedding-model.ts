import { type AdapterInput, type AdapterSource, type AdaptOptions, openAdapter, type Sides } from '../adapter-source.js'
import { hasMethods, overrideMembers } from '../override-members.js'

/** Embedding model of the Vercel AI SDK, version 2 or 3. */
export interface EmbeddingModelLike {
  readonly specificationVersion: string
  readonly modelId: string
  /** Returns one vector per value, in order. */
  doEmbed(options: never): PromiseLike<{ embeddings: number[][] }>
}

/** One model per role, since the interface itself has none. */
export interface ModelPair<T> {
  /** Adapts whatever it embeds. */
  readonly queryModel: T
  /** The model itself, without the dimensions that the adapter leaves out. */
  readonly documentModel: T
}

export const isEmbeddingModel = (x: unknown): x is EmbeddingModelLike =>
  hasMethods(x, 'doEmbed') && typeof (x as Partial<EmbeddingModelLike>).modelId === 'string'

export function wrapEmbeddingModel<T extends EmbeddingModelLike>(
  model: T,
  input: AdapterInput,
  options: AdaptOptions,
): ModelPair<T> {
  const source = openAdapter(input, options, { name: model.modelId })
  return { queryModel: sideOf(model, source, 'query'), documentModel: sideOf(model, source, 'document') }
}

/** Adapts every vector of a result of the SDK, or fits it as a document's. */
export function mapEmbeddings<R extends { embeddings: number[][] }>(
  result: R,
  { adaptQuery, fitDocument }: Sides,
  role: 'query' | 'document',
  { values }: { readonly values: readonly string[] },
): R {
  const map = (v: number[], i: number) => (role === 'query' ? Array.from(adaptQuery(v, values[i])) : fitDocument(v))
  return { ...result, embeddings: result.embeddings.map(map) }
}

function sideOf<T extends EmbeddingModelLike>(model: T, source: AdapterSource, role: 'query' | 'document'): T {
  return overrideMembers(model, {
    doEmbed: async (options: never) => mapEmbeddings(await model.doEmbed(options), source.now(), role, options),
  })
}

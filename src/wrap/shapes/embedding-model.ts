import { type AdapterInput, type AdapterSource, type AdaptOptions, openAdapter } from '../adapter-source.js'
import { overrideMembers } from '../override-members.js'

/** What an embedding model of the Vercel AI SDK is here, in its versions 2 and 3. */
export interface EmbeddingModelLike {
  readonly specificationVersion: string
  readonly modelId: string
  /** One vector for each value, in order. */
  doEmbed(options: never): PromiseLike<{ embeddings: number[][] }>
}

/** One model for each role, since the interface itself has none. */
export interface ModelPair<T> {
  /** Adapts whatever it embeds. */
  readonly queryModel: T
  /** The model as it is, but for the dimensions that the adapter leaves out. */
  readonly documentModel: T
}

export function isEmbeddingModel(x: unknown): x is EmbeddingModelLike {
  const candidate = x as Partial<EmbeddingModelLike> | null | undefined
  return typeof candidate?.doEmbed === 'function' && typeof candidate.modelId === 'string'
}

/**
 * Both sides of a model.
 * @throws as `openAdapter`
 */
export function wrapEmbeddingModel<T extends EmbeddingModelLike>(
  model: T,
  input: AdapterInput,
  options: AdaptOptions,
): ModelPair<T> {
  const source = openAdapter(input, options, { name: model.modelId })
  return { queryModel: sideOf(model, source, 'query'), documentModel: sideOf(model, source, 'document') }
}

/** A result of the SDK with every vector adapted, or fitted. */
export function mapEmbeddings<R extends { embeddings: number[][] }>(
  result: R,
  source: AdapterSource,
  role: 'query' | 'document',
): R {
  const { adaptQuery, fitDocument } = source.now()
  const map = role === 'query' ? (q: number[]) => Array.from(adaptQuery(q)) : (d: number[]) => fitDocument(d)
  return { ...result, embeddings: result.embeddings.map(map) }
}

function sideOf<T extends EmbeddingModelLike>(model: T, source: AdapterSource, role: 'query' | 'document'): T {
  return overrideMembers(model, {
    doEmbed: async (options: never) => mapEmbeddings(await model.doEmbed(options), source, role),
  })
}

import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { type EmbeddingEstimate, estimateEmbedding } from './estimate.js'

/** What embedding data sets would take, by role and in all. */
export interface DatasetsEstimate {
  readonly queries: EmbeddingEstimate
  readonly documents: EmbeddingEstimate
  readonly total: EmbeddingEstimate
}

/**
 * What embedding some data sets would take, texts that several have once; sends nothing, and leaves texts unchecked, which
 * `estimateDataset` refuses.
 */
export async function estimateDatasets(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  cache?: EmbeddingCache,
): Promise<DatasetsEstimate> {
  const texts = {
    query: datasets.flatMap(({ queries }) => [...queries.values()]),
    document: datasets.flatMap(({ corpus }) => [...corpus.values()]),
  }
  const queries = await estimateEmbedding(provider, texts.query, 'query', cache)
  const documents = await estimateEmbedding(provider, texts.document, 'document', cache)
  const sum = (key: 'texts' | 'unique' | 'cached' | 'missing' | 'tokens'): number => queries[key] + documents[key]
  const total = {
    ...{ texts: sum('texts'), unique: sum('unique'), cached: sum('cached'), missing: sum('missing') },
    ...{ tokens: sum('tokens'), ...(provider.price !== undefined && { cost: (sum('tokens') / 1e6) * provider.price }) },
  }
  return { queries, documents, total }
}

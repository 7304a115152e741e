import type { FusionName } from '../../evaluate/fusion.js'

/** How a store is told the weight of the search by words. A new store is one entry. */
interface Store {
  readonly fusion: FusionName
  /** True if its own scores of words are not BM25: the weight then has to be tuned on a run of them. */
  readonly ownScores?: true
  /** @param weight of the search by words; `rest` of the search by vectors */
  setting(weight: number, rest: number, window: number): string
}

/** Any word of $2 may be found; PostgreSQL's own functions ask for all. */
const OR_QUERY = `(SELECT replace(plainto_tsquery('english', $2)::text, '&', '|')::tsquery AS query) AS any_word`

const STORES: Readonly<Record<string, Store>> = {
  Weaviate: {
    fusion: 'relative',
    setting: (_, rest) => `hybrid(query, alpha=${rest}, fusion_type=HybridFusion.RELATIVE_SCORE)`,
  },
  Elasticsearch: {
    fusion: 'relative',
    setting: (weight, rest, window) =>
      `linear retriever: knn weight ${rest}, standard weight ${weight}, normalizer minmax, rank_window_size ${window}`,
  },
  OpenSearch: {
    fusion: 'relative',
    setting: (weight, rest) =>
      `normalization-processor: min_max, arithmetic_mean, weights [${weight}, ${rest}] for [match, knn]`,
  },
  LlamaIndex: {
    fusion: 'relative',
    setting: (weight, rest) =>
      `QueryFusionRetriever([vector, bm25], mode="relative_score", retriever_weights=[${rest}, ${weight}], num_queries=1)`,
  },
  LangChain: {
    fusion: 'ranks',
    setting: (weight, rest) => `EnsembleRetriever(retrievers=[vector, bm25], weights=[${rest}, ${weight}], c=60)`,
  },
  Qdrant: {
    fusion: 'raw',
    setting: weight =>
      `formula query over prefetches [vector, sparse]: {"sum": ["$score[0]", {"mult": [${weight}, "$score[1]"]}]}`,
  },
  PostgreSQL: {
    fusion: 'raw',
    ownScores: true,
    setting: weight =>
      `SELECT id FROM documents, ${OR_QUERY} ORDER BY 1 - (embedding <=> $1) + ${weight} * ts_rank_cd(words, query) DESC, id DESC LIMIT 10`,
  },
}

/** Lines with the settings of every store that fuses in a given way. */
export function storeLines(fusion: FusionName, weight: number, window: number, isRun: boolean): string[] {
  const rest = Number((1 - weight).toFixed(4))
  return Object.entries(STORES)
    .filter(([, store]) => store.fusion === fusion && (isRun || !store.ownScores))
    .map(([name, store]) => `  ${name.padEnd(14)} ${store.setting(weight, rest, window)}`)
}

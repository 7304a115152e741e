import type { FusionName } from '../../evaluate/fusion.js'

/** @param weight of the search by words; `rest` of the search by vectors */
type Setting = (weight: number, rest: number, window: number) => string

/** Any word of $2 may be found; PostgreSQL's own functions ask for all. */
const OR_QUERY = `(SELECT replace(plainto_tsquery('english', $2)::text, '&', '|')::tsquery AS query) AS any_word`

/** How the stores that fuse in a given way are told the weight of the search by words. A new store is one entry. */
const STORES: Readonly<Record<FusionName, Readonly<Record<string, Setting>>>> = {
  relative: {
    Weaviate: (_, rest) => `hybrid(query, alpha=${rest}, fusion_type=HybridFusion.RELATIVE_SCORE)`,
    Elasticsearch: (weight, rest, window) =>
      `linear retriever: knn weight ${rest}, standard weight ${weight}, normalizer minmax, rank_window_size ${window}`,
    OpenSearch: (weight, rest) =>
      `normalization-processor: min_max, arithmetic_mean, weights [${weight}, ${rest}] for [match, knn]`,
    LlamaIndex: (weight, rest) =>
      `QueryFusionRetriever([vector, bm25], mode="relative_score", retriever_weights=[${rest}, ${weight}], num_queries=1)`,
  },
  ranks: { LangChain: (weight, rest) => `EnsembleRetriever(retrievers=[vector, bm25], weights=[${rest}, ${weight}], c=60)` },
  raw: {
    Qdrant: weight =>
      `formula query over prefetches [vector, sparse]: {"sum": ["$score[0]", {"mult": [${weight}, "$score[1]"]}]}`,
    PostgreSQL: weight =>
      `SELECT id FROM documents, ${OR_QUERY} ORDER BY 1 - (embedding <=> $1) + ${weight} * ts_rank_cd(words, query) DESC, id DESC LIMIT 10`,
  },
}
/** Its own scores of words are not BM25: the weight has to be tuned on a run of them. */
const OWN_SCORES = 'PostgreSQL'

/** Lines with the settings of every store that fuses in a given way. */
export function storeLines(fusion: FusionName, weight: number, window: number, isRun: boolean): string[] {
  const rest = Number((1 - weight).toFixed(4))
  return Object.entries(STORES[fusion])
    .filter(([name]) => isRun || name !== OWN_SCORES)
    .map(([name, setting]) => `  ${name.padEnd(14)} ${setting(weight, rest, window)}`)
}

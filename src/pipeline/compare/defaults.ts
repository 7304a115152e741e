/** What a comparison measures: the whole ranking, the rank of the first answer, what comes first, and what is found at all. */
export const COMPARE_METRICS: readonly string[] = ['ndcg@10', 'mrr@10', 'hit@1', 'recall@10']

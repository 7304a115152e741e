/** Names of the query of a pair or triplet. */
export const ANCHOR_FIELDS = ['anchor', 'query'] as const
/** Names of its document, or documents, that are relevant. */
export const POSITIVE_FIELDS = ['positive', 'positives', 'pos'] as const
/** Names of those that are not: also `negative_1`, `negative_2`, ... */
export const NEGATIVE_FIELDS = /^(negatives?|neg|negative_\d+)$/

/** Whether these are the keys of a pair or triplet of sentence-transformers. */
export function hasTripletFields(keys: readonly string[]): boolean {
  return [ANCHOR_FIELDS, POSITIVE_FIELDS].every(names => names.some(name => keys.includes(name)))
}

/** Whether these are the keys of an entry of a search log. */
export function hasClickFields(keys: readonly string[]): boolean {
  return keys.includes('query') && keys.includes('clicked')
}

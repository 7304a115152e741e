/** Sizes below which the figures of a test set are not to be trusted. */
export const LEAST_TEST_SET = { queries: 50, documents: 100 } as const

/** Says, in one sentence, that a test set is too easy (few documents) or too small (few queries); none if it is neither. */
export function smallTestSet(name: string, queries: number, documents: number): string[] {
  const least = LEAST_TEST_SET
  if (queries >= least.queries && documents >= least.documents) return []
  const found = `${queries} ${queries === 1 ? 'query' : 'queries'} and ${documents} ${documents === 1 ? 'document' : 'documents'}`
  const problem = 'too easy or too small to trust as a test set'
  const expected = `expected at least ${least.queries} queries and ${least.documents} documents`
  return [`${name}: ${problem}; ${expected}, found ${found}`]
}

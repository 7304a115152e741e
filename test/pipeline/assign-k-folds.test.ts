import { describe, expect, test } from 'vitest'
import { assignKFolds } from '../../src/pipeline/train-in-folds.js'

/** Query i asks for document `i % documents`; every query has a text of its own. */
const keys = (queries: number, documents = queries) => ({
  queries: Array.from({ length: queries }, (_, i) => `query ${i}`),
  relevant: Array.from({ length: queries }, (_, i) => [`document ${i % documents}`]),
})

describe('assignKFolds', () => {
  test('holds every labelled query out once, in folds that differ in size by one at most', () => {
    const folds = assignKFolds(keys(23), { folds: 5, by: 'query', seed: 1 })
    expect(folds.map(fold => fold.length).sort()).toEqual([4, 4, 5, 5, 5])
    expect(folds.flatMap(fold => [...fold]).sort((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, i) => i))
  })

  test('never holds a query without a relevant document out', () => {
    const some = { ...keys(9), relevant: keys(9).relevant.map((list, i) => (i % 3 ? list : [])) }
    expect(assignKFolds(some, { folds: 2, by: 'query', seed: 1 }).flatMap(fold => [...fold])).toHaveLength(6)
  })

  test('keeps equal texts together, and by document also queries that share one, directly or through others', () => {
    const texts = { ...keys(12), queries: keys(12).queries.map((text, i) => (i < 4 ? 'the same' : text)) }
    const foldOf = (folds: Uint32Array[], i: number) => folds.findIndex(fold => fold.includes(i))
    const byQuery = assignKFolds(texts, { folds: 3, by: 'query', seed: 2 })
    expect(new Set([0, 1, 2, 3].map(i => foldOf(byQuery, i))).size).toBe(1)
    const chain = {
      ...keys(12),
      relevant: keys(12).relevant.map((list, i) => (i < 3 ? [`link ${i}`, `link ${i + 1}`] : list)),
    }
    const byDocument = assignKFolds(chain, { folds: 3, by: 'document', seed: 2 })
    expect(new Set([0, 1, 2].map(i => foldOf(byDocument, i))).size).toBe(1)
  })

  test('is the same for a seed and another for another', () => {
    const options = { folds: 4, by: 'query' } as const
    expect(assignKFolds(keys(40), { ...options, seed: 1 })).toEqual(assignKFolds(keys(40), { ...options, seed: 1 }))
    expect(assignKFolds(keys(40), { ...options, seed: 1 })).not.toEqual(assignKFolds(keys(40), { ...options, seed: 2 }))
  })

  test.each<[string, Parameters<typeof assignKFolds>, RegExp]>([
    ['fewer queries than folds', [keys(3), { folds: 5, by: 'query', seed: 1 }], /cannot make 5 folds of 3 queries.*fewer folds/],
    [
      'one document for all',
      [keys(20, 1), { folds: 2, by: 'document', seed: 1 }],
      /make 1 groups, and up to 20 queries share documents.*split by query/,
    ],
    [
      'one document for most',
      [
        { ...keys(20), relevant: keys(20).relevant.map((l, i) => (i < 15 ? ['d'] : l)) },
        { folds: 3, by: 'document', seed: 1 },
      ],
      /up to 15 queries/,
    ],
    ['nothing', [keys(0), { folds: 2, by: 'query', seed: 1 }], /of 0 queries/],
  ])('refuses %s', (_, args, message) => {
    expect(() => assignKFolds(...args)).toThrow(
      expect.objectContaining({ code: 'DATASET_SPLIT', message: expect.stringMatching(message) }),
    )
  })
})

import { describe, expect, test } from 'vitest'
import type { SparseRows } from '../../src/engines/engine.js'
import type { TrainingBatch } from '../../src/losses/batch-source.js'
import { inBatch, inBatchCandidates, listPairs } from '../../src/losses/in-batch.js'
import { createRandom } from '../../src/math/random.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { embedded } from '../helpers/embedded.js'

/** Columns of every row. */
const columns = ({ offsets, columns }: SparseRows): number[][] =>
  Array.from({ length: offsets.length - 1 }, (_, i) => [...columns.slice(offsets[i], offsets[i + 1])].sort())

const vectors = (n: number) => Array.from({ length: n }, () => [1])

/** The batch of all pairs, in order. */
function wholeBatch(positives: number[][], docTextGroup: number[]): TrainingBatch {
  const data = embedded({
    queries: vectors(positives.length),
    docs: vectors(docTextGroup.length),
    positives,
    docTextGroup,
  })
  const pairs = listPairs(data)
  return inBatchCandidates(
    data,
    pairs,
    Uint32Array.from(pairs.queries, (_, i) => i),
  )
}

describe('in-batch negatives', () => {
  test('every positive of a query is a pair; a query without positives has none', () => {
    const data = embedded({ queries: vectors(3), docs: vectors(4), positives: [[2, 0, 3], [], [1]] })
    expect(listPairs(data)).toEqual({ queries: Uint32Array.of(0, 0, 0, 2), documents: Uint32Array.of(2, 0, 3, 1) })
    expect(inBatch.create(data, { ...TRAIN_DEFAULTS, batchSize: 8 })).toMatchObject({ examples: 4, steps: 1 })
  })

  test('a query has its own document as target and those of the other pairs as negatives', () => {
    const batch = wholeBatch([[2], [0], [1]], [0, 1, 2])
    expect([...batch.queryRows]).toEqual([0, 1, 2])
    expect([...batch.documentRows]).toEqual([2, 0, 1])
    expect(columns(batch.targets)).toEqual([[0], [1], [2]])
    expect(batch.targets.values).toBeUndefined()
    expect(columns(batch.masked)).toEqual([[], [], []])
  })

  test('other positives of a query are left out, but stay negatives of the other queries', () => {
    // Pairs: (0, 0), (0, 1), (1, 2).
    const batch = wholeBatch([[0, 1], [2]], [0, 1, 2])
    expect(columns(batch.masked)).toEqual([[1], [0], []])
  })

  test('a document that stands in the batch twice is never a negative of a query that it answers', () => {
    // Pairs: (0, 0), (1, 0), (2, 1).
    const batch = wholeBatch([[0], [0], [1]], [0, 1])
    expect(columns(batch.masked)).toEqual([[1], [0], []])
  })

  test('a copy of a positive under another id is left out', () => {
    // Documents 0 and 2 have the same text. Pairs: (0, 0), (1, 1), (2, 2).
    const batch = wholeBatch([[0], [1], [2]], [5, 7, 5])
    expect(columns(batch.masked)).toEqual([[2], [], [0]])
  })

  test('a query whose positives are copies of each other leaves each out once', () => {
    // Pairs: (0, 0), (0, 1), (1, 2), (2, 1); documents 0 and 1 have the same text.
    const batch = wholeBatch([[0, 1], [2], [1]], [0, 0, 1])
    expect(columns(batch.masked)).toEqual([[1, 3], [0, 3], [], [0, 1]])
  })

  test('a query that is a document, and a copy of its positive, leaves that document out once', () => {
    // Query 0 is document 1, which has the text of its positive. Pairs: (0, 0), (1, 1).
    const docTextGroup = [5, 5]
    const plain = embedded({ queries: vectors(2), docs: vectors(2), positives: [[0], [1]], docTextGroup })
    const data = { ...plain, queryIds: ['doc1', 'other'], selfMatches: new Set(['doc1']) }
    const batch = inBatchCandidates(data, listPairs(data), Uint32Array.of(0, 1))
    expect(columns(batch.masked)).toEqual([[1], [0]])
  })

  test('an epoch visits every pair once, in batches of which the last may be smaller', () => {
    const positives = Array.from({ length: 5 }, (_, i) => [i, i + 1])
    const data = embedded({ queries: vectors(5), docs: vectors(6), positives })
    const source = inBatch.create(data, { ...TRAIN_DEFAULTS, batchSize: 4 })
    const epoch = (random: ReturnType<typeof createRandom>) =>
      Array.from(source.epoch(random), batch => Array.from(batch.queryRows, (q, i) => [q, batch.documentRows[i]]))
    const random = createRandom(1)
    const [first, second] = [epoch(random), epoch(random)]
    expect(first.map(batch => batch.length)).toEqual([4, 4, 2])
    expect(source.steps).toBe(3)
    const all = positives.flatMap((documents, q) => documents.map(document => [q, document]))
    const sorted = (batches: number[][][]) => batches.flat().sort((a, b) => a[0] - b[0] || a[1] - b[1])
    expect(sorted(first)).toEqual(all)
    expect(sorted(second)).toEqual(all)
    expect(second).not.toEqual(first)
    expect(epoch(createRandom(1))).toEqual(first)
  })
})

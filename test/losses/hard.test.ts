import { describe, expect, test } from 'vitest'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import type { SourceOptions, TrainingBatch } from '../../src/losses/batch-source.js'
import { hard } from '../../src/losses/hard.js'
import { createRandom } from '../../src/math/random.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { maskedOf, targetsOf } from '../contracts/mean-loss.js'
import { type EmbeddedParts, embedded } from '../helpers/embedded.js'

const dataOf = (docs: number, positives: EmbeddedParts['positives'], more: Partial<EmbeddedParts> = {}) =>
  embedded({ queries: positives.map(() => [1]), docs: Array.from({ length: docs }, () => [1]), positives, ...more })

/** A source that found the given documents for the given queries. */
function sourceWith(data: EmbeddedDataset, options: Partial<SourceOptions>, found: Record<number, number[]> = {}) {
  const source = hard.create(data, { ...TRAIN_DEFAULTS, ...options })
  for (const [query, documents] of Object.entries(found)) source.mining!.accept(Number(query), Uint32Array.from(documents))
  return source
}

const batchesOf = (...args: Parameters<typeof sourceWith>) => [...sourceWith(...args).epoch(createRandom(1))]

/** Documents that count in a batch, in ascending order. */
const counted = ({ documentRows, offset }: TrainingBatch) =>
  [...documentRows.filter((_, column) => offset![column] === 0)].sort((a, b) => a - b)

describe('a batch of hard negatives', () => {
  test('holds the positives and the negatives found for its queries, each document once, and nothing else', () => {
    const data = dataOf(20, [[0], [1], [2]])
    const [batch] = batchesOf(data, { batchSize: 3 }, { 0: [7, 8], 1: [8, 9], 2: [0, 10] })
    expect(batch.pool).toBeUndefined()
    expect(counted(batch)).toEqual([0, 1, 2, 7, 8, 9, 10])
    for (const query of [0, 1, 2]) {
      expect(targetsOf(batch).get(query)).toEqual(new Map([[query, 1]]))
      expect(maskedOf(batch).get(query)).toEqual([])
    }
  })

  test('holds those of its own queries alone', () => {
    const data = dataOf(20, [[0], [1], [2], []])
    const found = [[7], [8], [9], []]
    const batches = batchesOf(data, { batchSize: 1 }, { ...found })
    expect(batches).toHaveLength(3)
    for (const batch of batches) {
      const [query] = batch.queryRows
      expect(counted(batch)).toEqual([query, ...found[query]])
    }
  })

  test('spreads the target over all positives of a query by grade', () => {
    const data = dataOf(9, [
      [
        [3, 3],
        [4, 1],
      ],
      [5],
    ])
    const [batch] = batchesOf(data, { batchSize: 2 }, { 0: [6], 1: [3] })
    expect(Object.fromEntries(targetsOf(batch).get(0)!)).toEqual({ 3: 0.75, 4: 0.25 })
    // What was found for one query may be the positive of another one; it then counts once.
    expect(targetsOf(batch).get(1)).toEqual(new Map([[5, 1]]))
    expect(maskedOf(batch).get(1)).toEqual([])
    expect(counted(batch)).toEqual([3, 4, 5, 6])
  })

  test('leaves a copy of a positive out for the queries that it answers, and for them alone', () => {
    // Documents 0 and 2 have one text.
    const data = dataOf(6, [[0], [2], [1]], { docTextGroup: [7, 1, 7, 3, 4, 5] })
    const [batch] = batchesOf(data, { batchSize: 3 }, { 0: [3], 1: [4], 2: [0] })
    expect(Object.fromEntries(targetsOf(batch))).toEqual({
      0: new Map([[0, 1]]),
      1: new Map([[2, 1]]),
      2: new Map([[1, 1]]),
    })
    expect(Object.fromEntries(maskedOf(batch))).toEqual({ 0: [2], 1: [0], 2: [] })
  })

  test('holds a text that several queries find, or that is a positive under another id, once', () => {
    // Documents 1 and 5 have one text; 5 is a positive.
    const data = dataOf(6, [[0], [5]], { docTextGroup: [0, 1, 2, 3, 4, 1] })
    const [batch] = batchesOf(data, { batchSize: 2 }, { 0: [1, 2], 1: [2] })
    expect(counted(batch)).toEqual([0, 2, 5])
  })

  test('has one width of the score matrix in an epoch, of padding that does not count', () => {
    const n = 50
    const data = dataOf(
      n * 4,
      Array.from({ length: n }, (_, i) => [i]),
    )
    const found = Object.fromEntries(Array.from({ length: n }, (_, i) => [i, [n + i, 2 * n + i, 3 * n + (i % 7)]]))
    const batches = batchesOf(data, { batchSize: 20 }, found)
    expect(batches.map(batch => batch.queryRows.length)).toEqual([20, 20, 10])
    for (const batch of batches) {
      expect(batch.documentRows).toHaveLength(128)
      expect(batch.offset).toHaveLength(128)
      expect(batch.offset!.every(value => value === 0 || value <= -1e4)).toBe(true)
      const expected = Array.from(batch.queryRows, query => [query, ...found[query]]).flat()
      expect(counted(batch)).toEqual([...new Set(expected)].sort((a, b) => a - b))
    }
  })

  test('is there before anything is mined: the positives of the batch', () => {
    const [batch] = batchesOf(dataOf(5, [[0], [3]]), { batchSize: 2 })
    expect(counted(batch)).toEqual([0, 3])
  })
})

describe('mining', () => {
  const miningOf = (data: EmbeddedDataset, options: Partial<SourceOptions> = {}) =>
    hard.create(data, { ...TRAIN_DEFAULTS, batchSize: 4, ...options }).mining!

  test('is due before the first epoch and then every so many epochs', () => {
    const due = (mineEvery: number) => [1, 2, 3, 4, 5, 6, 7].filter(epoch => miningOf(dataOf(3, [[0]]), { mineEvery }).due(epoch))
    expect(due(1)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(due(3)).toEqual([1, 4, 7])
    expect(due(2)).toEqual([1, 3, 5, 7])
  })

  test('asks for the labelled queries, so many documents each', () => {
    const mining = miningOf(dataOf(5, [[0], [], [1]]), { hardNegatives: 3 })
    expect([...mining.queryRows]).toEqual([0, 2])
    expect(mining.count).toBe(3)
  })

  test('wants negatives below the best positive by a share of its cosine, also where that is below 0', () => {
    const ceiling = (margin: number, ...cosines: number[]) => miningOf(dataOf(3, [[0]]), { hardMargin: margin }).ceiling(cosines)
    expect(ceiling(0.05, 0.8)).toBeCloseTo(0.76, 12)
    expect(ceiling(0.05, -0.8)).toBeCloseTo(-0.84, 12)
    expect(ceiling(0.25, 0.2, 0.8, -0.9)).toBeCloseTo(0.6, 12)
    expect(ceiling(0, 0.5)).toBe(0.5)
    expect(ceiling(0.05, 0)).toBe(0)
  })

  test('never takes a positive, a copy of one, or a second copy of another document', () => {
    // Documents 0 and 4 have one text, and 2 and 3.
    const mining = miningOf(dataOf(6, [[0, 5], [1]], { docTextGroup: [8, 9, 6, 6, 8, 7] }))
    const allowed = (query: number) => [0, 1, 2, 3, 4, 5].filter(document => mining.allows(query, document))
    expect(allowed(0)).toEqual([1, 2])
    expect(allowed(1)).toEqual([0, 2, 5])
  })
})

describe('documents that were judged not relevant', () => {
  test('come first among the negatives of a query, and those found fill up', () => {
    const data = dataOf(20, [[0], [1]], { judgedNegatives: [[15, 16], []] })
    const [batch] = batchesOf(data, { batchSize: 2, hardNegatives: 3 }, { 0: [7, 8, 9], 1: [10, 11, 12, 13] })
    expect(counted(batch)).toEqual([0, 1, 7, 10, 11, 12, 15, 16])
    expect(targetsOf(batch).get(0)).toEqual(new Map([[0, 1]]))
    expect(maskedOf(batch).get(0)).toEqual([])
  })

  test('are not found once more', () => {
    const data = dataOf(9, [[0], [1]], { judgedNegatives: [[4], []], docTextGroup: [0, 1, 2, 3, 4, 5, 6, 4, 8] })
    const { mining } = hard.create(data, { ...TRAIN_DEFAULTS, batchSize: 2 })
    expect([4, 7, 5].map(document => mining!.allows(0, document))).toEqual([false, false, true])
    expect([4, 7, 5].map(document => mining!.allows(1, document))).toEqual([true, false, true])
  })

  test('are left out where a positive is the same document or has its text', () => {
    const data = dataOf(9, [[0]], { judgedNegatives: [[0, 3, 5]], docTextGroup: [0, 1, 2, 0, 4, 5, 6, 7, 8] })
    const [batch] = batchesOf(data, { batchSize: 1 })
    expect(counted(batch)).toEqual([0, 5])
  })

  test('take turns where there are more than wanted, and such a query needs no mining', () => {
    const data = dataOf(20, [[0], [1]], {
      judgedNegatives: [
        [10, 11, 12, 13, 14],
        [15, 16],
      ],
    })
    const source = hard.create(data, { ...TRAIN_DEFAULTS, batchSize: 2, hardNegatives: 2 })
    expect(source.mining!.queryRows).toHaveLength(0)
    expect(source.mining!.due(1)).toBe(false)
    const random = createRandom(1)
    const seen = new Set<number>()
    for (let epoch = 0; epoch < 20; epoch++) {
      const [batch] = source.epoch(random)
      const documents = counted(batch)
      expect(documents).toHaveLength(6)
      expect(documents).toEqual(expect.arrayContaining([0, 1, 15, 16]))
      for (const document of documents) seen.add(document)
    }
    expect([10, 11, 12, 13, 14].every(document => seen.has(document))).toBe(true)
  })
})

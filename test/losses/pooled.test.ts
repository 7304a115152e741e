import { describe, expect, test } from 'vitest'
import type { TrainingBatch } from '../../src/losses/batch-source.js'
import { corpus, positives as positivesPool } from '../../src/losses/pooled.js'
import { createRandom } from '../../src/math/random.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { documentsOf, isExcluded, maskedOf, targetsOf } from '../contracts/mean-loss.js'
import { type EmbeddedParts, embedded } from '../helpers/embedded.js'

const vectors = (n: number) => Array.from({ length: n }, () => [1])

const dataOf = (docs: number, positives: EmbeddedParts['positives'], docTextGroup?: number[]) =>
  embedded({ queries: vectors(positives.length), docs: vectors(docs), positives, docTextGroup })

describe('a pool that fits', () => {
  test('positives: every document that is a positive of some query; corpus: every document', () => {
    const data = dataOf(6, [[4], [], [1, 4], [0]])
    const [batch] = positivesPool.create(data, { ...TRAIN_DEFAULTS, batchSize: 8 }).epoch(createRandom(1))
    expect([...batch.pool!]).toEqual([0, 1, 4])
    expect(batch.documentRows).toHaveLength(0)
    expect(batch.offset).toBeUndefined()
    const [whole] = corpus.create(data, { ...TRAIN_DEFAULTS, batchSize: 8 }).epoch(createRandom(1))
    expect([...whole.pool!]).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('a target is spread over all positives of a query by their share of its grades', () => {
    const data = dataOf(5, [
      [
        [3, 3],
        [0, 1],
      ],
      [[4, 7]],
      [[1, 2], [2, 2], 3],
    ])
    for (const negatives of [positivesPool, corpus]) {
      const [batch] = negatives.create(data, { ...TRAIN_DEFAULTS, batchSize: 8 }).epoch(createRandom(1))
      const targets = targetsOf(batch)
      expect(targets.get(0)).toEqual(
        new Map([
          [3, 0.75],
          [0, 0.25],
        ]),
      )
      expect(targets.get(1)).toEqual(new Map([[4, 1]]))
      expect(targets.get(2)!.get(1)).toBeCloseTo(0.4, 6)
      expect(targets.get(2)!.get(3)).toBeCloseTo(0.2, 6)
    }
  })

  test('a copy of a positive under another id is left out, its other positives and copies of other documents are not', () => {
    // Documents 0, 2 and 5 have one text, 1 and 4 another one.
    const data = dataOf(6, [[0, 3], [1], [0, 2]], [7, 8, 7, 9, 8, 7])
    const [batch] = corpus.create(data, { ...TRAIN_DEFAULTS, batchSize: 8 }).epoch(createRandom(1))
    expect(maskedOf(batch)).toEqual(
      new Map([
        [0, [2, 5]],
        [1, [4]],
        [2, [5]],
      ]),
    )
    expect([...targetsOf(batch).get(2)!.keys()]).toEqual([0, 2])
    // In the pool of positives there are no others: 4 and 5 are nobody's.
    const [asked] = positivesPool.create(data, { ...TRAIN_DEFAULTS, batchSize: 8 }).epoch(createRandom(1))
    expect(maskedOf(asked)).toEqual(
      new Map([
        [0, [2]],
        [1, []],
        [2, []],
      ]),
    )
  })

  test('a query that is a document is left out once, whether its text is that of a positive or not', () => {
    const plain = dataOf(3, [[0], [0]], [7, 7, 8])
    const data = { ...plain, queryIds: ['doc1', 'doc2'], selfMatches: new Set(['doc1', 'doc2']) }
    const [batch] = corpus.create(data, { ...TRAIN_DEFAULTS, batchSize: 8 }).epoch(createRandom(1))
    expect(maskedOf(batch)).toEqual(
      new Map([
        [0, [1]],
        [1, [1, 2]],
      ]),
    )
  })

  test('is one object for all batches of an epoch', () => {
    const source = corpus.create(dataOf(3, [[0], [1], [2]]), { ...TRAIN_DEFAULTS, batchSize: 1 })
    expect(new Set(Array.from(source.epoch(createRandom(1)), batch => batch.pool)).size).toBe(1)
  })

  test('a pool is sampled only when it has more than a quarter above the limit', () => {
    const sampled = (docs: number, maxNegatives = TRAIN_DEFAULTS.maxNegatives) =>
      [...corpus.create(dataOf(docs, [[0]]), { ...TRAIN_DEFAULTS, batchSize: 1, maxNegatives }).epoch(createRandom(1))][0]
        .offset !== undefined
    expect(sampled(10, 8)).toBe(false)
    expect(sampled(11, 8)).toBe(true)
    expect(sampled(TRAIN_DEFAULTS.maxNegatives * 1.25)).toBe(false)
    expect(sampled(TRAIN_DEFAULTS.maxNegatives * 1.25 + 1)).toBe(true)
  })
})

describe('a sampled pool', () => {
  const DOCS = 40
  const LIMIT = 12
  /** Query i's positive is document i, that of query 0 also document 20; documents 5 and 25 are copies. */
  const data = dataOf(
    DOCS,
    Array.from({ length: 10 }, (_, i) => (i === 0 ? [0, 20] : [i])),
    Array.from({ length: DOCS }, (_, i) => (i === 25 ? 5 : i)),
  )
  const source = corpus.create(data, { ...TRAIN_DEFAULTS, batchSize: 4, maxNegatives: LIMIT })
  const epochs = (count: number, seed = 1) => {
    const random = createRandom(seed)
    return Array.from({ length: count }, () => [...source.epoch(random)])
  }
  const ownOf = (batch: TrainingBatch) => [...new Set(Array.from(targetsOf(batch).values()).flatMap(t => [...t.keys()]))]

  test('holds so many documents of the pool, drawn anew every epoch and the same for its batches', () => {
    const [first, second] = epochs(2)
    expect(new Set(first.map(batch => batch.pool)).size).toBe(1)
    const sample = [...first[0].pool!]
    expect(new Set(sample).size).toBe(LIMIT)
    expect(sample).toEqual([...sample].sort((a, b) => a - b))
    expect([...second[0].pool!]).not.toEqual(sample)
    expect(epochs(2)).toEqual([first, second])
  })

  test('the positives of a batch count in full; what the sample holds of them, and padding, does not count', () => {
    for (const batch of epochs(6).flat()) {
      const offset = batch.offset!
      const documents = documentsOf(batch)
      expect(offset).toHaveLength(documents.length)
      const own = ownOf(batch)
      const twice = [...batch.pool!].filter(document => own.includes(document))
      const correction = Math.log((DOCS - own.length) / (LIMIT - twice.length))
      const counted = documents.filter((_, column) => {
        if (isExcluded(offset[column])) return false
        expect(offset[column]).toBeCloseTo(column < LIMIT ? correction : 0, 5)
        return column >= LIMIT
      })
      expect(counted).toEqual(own.sort((a, b) => a - b))
      // No document counts twice.
      const all = documents.filter((_, column) => !isExcluded(offset[column]))
      expect(new Set(all).size).toBe(all.length)
      expect(all).toHaveLength(own.length + LIMIT - twice.length)
      // Few different widths of the score matrix.
      expect(batch.documentRows.length % 64).toBe(0)
    }
  })

  test('targets stand in the counted columns, and copies of a positive are left out wherever they are', () => {
    let inSample = 0
    for (const batch of epochs(8).flat()) {
      for (const column of batch.targets.columns) expect(batch.offset![column]).toBe(0)
      for (const [query, masked] of maskedOf(batch)) {
        const expected = query === 5 && batch.pool!.includes(25) ? [25] : []
        expect(masked).toEqual(expected)
        inSample += expected.length
      }
    }
    expect(inSample).toBeGreaterThan(0)
  })

  test('its weighted sum over the negatives is, on average, that over the whole pool', () => {
    const value = Array.from({ length: DOCS }, (_, i) => 1 + (i % 7) ** 2)
    const whole = value.reduce((a, b) => a + b, 0)
    let sum = 0
    const batches = epochs(600).flat()
    for (const batch of batches) {
      documentsOf(batch).forEach((document, column) => {
        sum += Math.exp(batch.offset![column]) * value[document]
      })
    }
    // The mean of 600 independent samples, each with a relative error of about 0.2.
    expect(Math.abs(sum / batches.length / whole - 1)).toBeLessThan(0.03)
  })

  test('nothing is divided by zero where the sample holds nothing but the positives', () => {
    const crowded = dataOf(4, [[0, 1, 2, 3]])
    for (let seed = 0; seed < 5; seed++) {
      const [batch] = corpus.create(crowded, { ...TRAIN_DEFAULTS, batchSize: 1, maxNegatives: 1 }).epoch(createRandom(seed))
      expect(batch.offset!.every(Number.isFinite)).toBe(true)
      expect(isExcluded(batch.offset![0])).toBe(true)
    }
  })
})

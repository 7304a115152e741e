import { describe, expect, test } from 'vitest'
import { fromRows, matrix, normalizedRows, normalizeInPlace, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { rowSource } from '../../src/math/row-source.js'
import { collectPostings, createBm25 } from '../../src/terms/bm25.js'
import { buildTable, firstRows, meanVector } from '../../src/terms/build-table.js'
import { buildFeedback, createFeedback, highest } from '../../src/terms/feedback.js'
import { contributions, findTerms, sumCentroids } from '../../src/terms/table.js'
import { createTokenizer, termsOf } from '../../src/terms/tokens.js'

const tokenize = createTokenizer({ english: true, common: [] })
const TEXTS = ['card pin blocked', 'card arrival time', 'exchange rate', 'pin blocked again', 'exchange card']

function randomRows(rows: number, cols: number, seed = 1) {
  const random = createRandom(seed)
  return matrix(
    rows,
    cols,
    Float32Array.from({ length: rows * cols }, () => random.normal()),
  )
}

const sourceOf = (texts: readonly string[], vectors: ReturnType<typeof matrix>) => ({
  terms: texts.map(text => termsOf(tokenize(text))),
  vectors,
})

/** idf^2 (mean of the centred documents with the term), summed and scaled, from the definition. */
function expected(texts: readonly string[], vectors: ReturnType<typeof matrix>, terms: readonly string[]): number[] {
  const units = normalizedRows(vectors)
  const mean = meanVector(vectors)
  const sums = new Float64Array(vectors.cols)
  for (const term of terms) {
    const holders = texts.flatMap((text, i) => {
      const { words, pairs } = termsOf(tokenize(text))
      return words.has(term) || pairs.has(term) ? [i] : []
    })
    if (holders.length === 0) continue
    const idf = Math.log(1 + (texts.length - holders.length + 0.5) / (holders.length + 0.5))
    for (const i of holders) {
      for (let j = 0; j < sums.length; j++) sums[j] += (idf ** 2 * (row(units, i)[j] - mean[j])) / holders.length
    }
  }
  return [...normalizeInPlace(Float32Array.from(sums))]
}

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, value, j) => sum + value * b[j], 0)

describe('a table of terms', () => {
  test('points where the documents with the terms of a query are', () => {
    const vectors = randomRows(TEXTS.length, 24)
    const { table } = buildTable(sourceOf(TEXTS, vectors), { rows: 100 })
    const found = findTerms(table, ['card', 'pin', 'card pin', 'unknown'])
    expect(found.map(({ term }) => term)).toEqual(['card', 'pin', 'card pin'])
    const sum = sumCentroids(table, found)
    expect(cosine(sum, expected(TEXTS, vectors, ['card', 'pin', 'card pin']))).toBeGreaterThan(0.999)
    expect(cosine(sum, sum)).toBeCloseTo(1, 5)
  })

  test('keeps one bit a value from 256 dimensions on, whatever their number', () => {
    const vectors = randomRows(TEXTS.length, 263)
    const { table } = buildTable(sourceOf(TEXTS, vectors), { rows: 100 })
    expect(table.bits).toBe(1)
    expect(table.values.length).toBe(table.keys.length * 36)
    const sum = sumCentroids(table, findTerms(table, ['exchange', 'rate']))
    expect(sum).toHaveLength(263)
    expect(cosine(sum, expected(TEXTS, vectors, ['exchange', 'rate']))).toBeGreaterThan(0.75)
  })

  test('is zero for a query without a known term', () => {
    const { table } = buildTable(sourceOf(TEXTS, randomRows(TEXTS.length, 8)), { rows: 100 })
    expect([...sumCentroids(table, findTerms(table, ['unknown']))]).toEqual(new Array(8).fill(0))
  })

  test('keeps words before pairs, the most frequent first', () => {
    const vectors = randomRows(TEXTS.length, 8)
    const built = buildTable(sourceOf(TEXTS, vectors), { rows: 100 })
    const words = new Set(TEXTS.flatMap(text => tokenize(text).words))
    const some = firstRows(built, words.size + 1)
    expect(findTerms(some, words)).toHaveLength(words.size)
    expect(findTerms(some, ['pin blocked'])).toHaveLength(1)
    expect(findTerms(some, ['exchange rate'])).toHaveLength(0)
    expect(findTerms(firstRows(built, 1), words).map(({ term }) => term)).toEqual(['card'])
    expect(built.terms).toBe(built.table.keys.length)
    // A table that was built with fewer rows is the same.
    const small = buildTable(sourceOf(TEXTS, vectors), { rows: words.size + 1 }).table
    expect(small).toEqual(some)
  })

  test('does not depend on how much memory there is, nor on where the vectors are', () => {
    const vectors = randomRows(TEXTS.length, 8)
    const whole = buildTable(sourceOf(TEXTS, vectors), { rows: 100 }).table
    const blocks = buildTable({ ...sourceOf(TEXTS, vectors), vectors: rowSource(vectors) }, { rows: 100, memory: 64 })
    expect(blocks.table).toEqual(whole)
  })

  test('forgets the rarest terms rather than to count more than it may', () => {
    const texts = Array.from({ length: 300 }, (_, i) => `common word${i} rare${i}`)
    const built = buildTable(sourceOf(texts, randomRows(300, 8)), { rows: 50, counted: 100 })
    expect(findTerms(built.table, ['common'])).toHaveLength(1)
    expect(built.table.idf[findTerms(built.table, ['common'])[0].row]).toBeCloseTo(Math.log(1 + 0.5 / 300.5), 6)
  })

  test('refuses texts and vectors that do not belong together', () => {
    expect(() => buildTable(sourceOf(TEXTS, randomRows(3, 8)), { rows: 9 })).toThrow('expected 3 texts, found 5')
  })

  test.each([24, 300])('tells what each term adds to the direction, at %i dimensions', dimensions => {
    const { table } = buildTable(sourceOf(TEXTS, randomRows(TEXTS.length, dimensions)), { rows: 100 })
    const shares = contributions(table, findTerms(table, ['card', 'pin', 'pin blocked']))
    expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6)
    expect(contributions(table, findTerms(table, ['card']))).toEqual([1])
  })
})

describe('feedback', () => {
  const collected = collectPostings()
  for (const text of TEXTS) collected.add(tokenize(text).words)
  const postings = collected.finish()

  test('points to the documents that a search by words finds', () => {
    const vectors = randomRows(TEXTS.length, 40)
    const direction = createFeedback(buildFeedback(postings, vectors))(['exchange', 'rate'])
    const units = normalizedRows(vectors)
    const mean = meanVector(vectors)
    const scores = createBm25(postings).scores(['exchange', 'rate']).slice()
    const total = createBm25(postings).weight(['exchange', 'rate'])
    const weights = scores.map(score => (score > 0 ? Math.exp((44 * (score - Math.max(...scores))) / total) : 0))
    const sums = new Float32Array(40)
    weights.forEach((weight, i) => {
      for (let j = 0; j < 40; j++) sums[j] += weight * (row(units, i)[j] - mean[j])
    })
    expect(cosine(direction, normalizeInPlace(sums))).toBeGreaterThan(0.999)
  })

  test('is zero where no word is known', () => {
    const feedback = createFeedback(buildFeedback(postings, fromRows(TEXTS.map((_, i) => [i, 1, 2]))))
    expect([...feedback(['unknown'])]).toEqual([0, 0, 0])
  })

  test('takes the best documents, the earlier one of equals, and none that scores 0', () => {
    expect(highest(Float32Array.of(0, 2, 1, 3, 2, 0), 3)).toEqual([3, 1, 4])
    expect(highest(Float32Array.of(0, 0), 3)).toEqual([])
    expect(highest(Float32Array.of(1, 1, 1), 2)).toEqual([0, 1])
  })
})

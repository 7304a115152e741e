import { describe, expect, test } from 'vitest'
import { familiarityOf, familiarityTest, shareOf } from '../../src/drift/familiarity.js'
import { matrix, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'

/** Rows around one of two directions. */
function around(rows: number, cols: number, axis: number, seed: number) {
  const random = createRandom(seed)
  const m = matrix(rows, cols)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) m.data[i * cols + j] = random.next() - 0.5 + (j === axis ? 4 : 0)
  return m
}

const based = (dimensions: number) => ({ base: { id: 'x', dimensions, normalized: true } })

describe('familiarity', () => {
  test.each([
    ['few queries, kept whole', 100, 64],
    ['many queries, kept in part', 2500, 384],
  ])('%s: about 5%% of like queries are unfamiliar, nearly all of another kind are, in less than 64 kB', (_, rows, cols) => {
    const sketch = familiarityOf(around(rows, cols, 0, 1), 7)!
    expect(JSON.stringify(sketch).length).toBeLessThan(64_000)
    const test = familiarityTest(sketch, based(cols))
    const share = (axis: number) => {
      const queries = around(400, cols, axis, 2)
      return Array.from({ length: 400 }, (_, i) => test(row(queries, i)).unfamiliar).filter(Boolean).length / 400
    }
    expect(share(0)).toBeLessThan(0.15)
    expect(share(1)).toBeGreaterThan(0.95)
    expect(familiarityOf(around(rows, cols, 0, 1), 7)).toEqual(sketch)
  })

  test('does not depend on the length of a query, and is not made of fewer than 20 queries', () => {
    const test = familiarityTest(familiarityOf(around(50, 16, 0, 1), 7)!, based(16))
    const query = row(around(1, 16, 0, 3), 0)
    expect(test(query.map(x => 9 * x)).similarity).toBeCloseTo(test(query).similarity, 5)
    expect(familiarityOf(around(19, 16, 0, 1), 7)).toBeUndefined()
    expect(() => test(query.subarray(1))).toThrow('the query has 15 dimensions, but the adapter was trained for 16')
  })

  test('queries that share words with all, and rows of means, are no nearer than any other', () => {
    // Every query has the common direction and one of its own kind's 40 directions.
    const kind = (from: number, rows: number, seed: number) => {
      const random = createRandom(seed)
      const m = matrix(rows, 256)
      for (let i = 0; i < rows; i++) {
        row(m, i).set(Array.from({ length: 256 }, () => (random.next() - 0.5) / 8))
        m.data[i * 256] += 0.6
        m.data[i * 256 + from + random.int(40)] += 0.8
      }
      return m
    }
    const unfamiliar = familiarityTest(familiarityOf(kind(1, 2000, 1), 7)!, based(256))
    const share = (from: number) => {
      const queries = kind(from, 300, 2)
      return Array.from({ length: 300 }, (_, i) => unfamiliar(row(queries, i)).unfamiliar).filter(Boolean).length / 300
    }
    expect(share(1)).toBeLessThan(0.1)
    expect(share(100)).toBeGreaterThan(0.9)
  })

  test('a share has the interval of Wilson', () => {
    // statsmodels.stats.proportion.proportion_confint(12, 100, method='wilson')
    const { low, high } = shareOf(12, 100)
    expect(low).toBeCloseTo(0.07, 3)
    expect(high).toBeCloseTo(0.1981, 3)
  })
})

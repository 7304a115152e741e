import { describe, expect, test } from 'vitest'
import { tieRankOf, topK } from '../../src/evaluate/top-k.js'
import { dot, fromRows, type Matrix, normalizedRows, row, takeRows } from '../../src/math/matrix.js'
import { createRandom, shuffle } from '../../src/math/random.js'
import { randomMatrix, randomUnitRows } from '../contracts/engine/support.js'

/** All documents by descending cosine, rounded to float32, then by descending id. */
function bySorting(queries: Matrix, units: Matrix, k: number, docIds: readonly string[]): number[] {
  const Q = normalizedRows(queries)
  return Array.from({ length: queries.rows }, (_, i) => {
    const scores = Array.from({ length: units.rows }, (_, j) => Math.fround(dot(row(Q, i), row(units, j))))
    return docIds
      .map((_, j) => j)
      .sort((a, b) => scores[b] - scores[a] || (docIds[a] < docIds[b] ? 1 : -1))
      .slice(0, k)
  }).flat()
}

/** Names the first difference, as vitest is slow to work out that of long lists. */
function expectSame(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length)
  const at = Array.from(expected).findIndex((doc, i) => actual[i] !== doc)
  expect({ at, doc: actual[at] }).toEqual({ at: -1, doc: undefined })
}

const names = (n: number, seed: number) =>
  shuffle(
    Array.from({ length: n }, (_, i) => `doc${i}`),
    createRandom(seed),
  )

describe('topK', () => {
  test.each([
    // queries, documents, dimensions, k: within one block, at its edges, beyond it
    [3, 1, 4, 1],
    [7, 50, 6, 10],
    [64, 2048, 3, 5],
    [65, 2049, 3, 7],
    [130, 4100, 2, 3],
    [1, 2050, 4, 2050],
  ])('finds for %d queries among %d documents of length %d the same %d as sorting does', (n, m, d, k) => {
    const [queries, units, docIds] = [randomMatrix(n, d, 1), randomUnitRows(m, d, 2), names(m, 3)]
    const top = topK(queries, units, k, tieRankOf(docIds))
    expect(top.k).toBe(k)
    expectSame(top.rows, bySorting(queries, units, k, docIds))
    const Q = normalizedRows(queries)
    top.rows.forEach((doc, at) => {
      expect(top.scores[at]).toBe(Math.fround(dot(row(Q, Math.floor(at / k)), row(units, doc))))
    })
  })

  test('orders exact copies by descending id, in whichever blocks they stand', () => {
    const random = createRandom(4)
    const distinct = randomUnitRows(5, 7, 5)
    const units = takeRows(
      distinct,
      Array.from({ length: 2500 }, () => random.int(5)),
    )
    const docIds = names(2500, 6)
    const queries = randomMatrix(67, 7, 7)
    const top = topK(queries, units, 40, tieRankOf(docIds))
    expectSame(top.rows, bySorting(queries, units, 40, docIds))
  })

  test('gives all documents where fewer than k are there, and none where there are none', () => {
    const queries = randomMatrix(2, 3, 1)
    expect(topK(queries, randomUnitRows(4, 3, 2), 10, tieRankOf(names(4, 3)))).toMatchObject({ k: 4 })
    expect(topK(queries, randomUnitRows(0, 3, 2), 10, tieRankOf([])).rows).toHaveLength(0)
  })

  test('does not depend on the length of a query', () => {
    const [q, units, ranks] = [randomMatrix(1, 5, 1), randomUnitRows(40, 5, 2), tieRankOf(names(40, 3))]
    const scaled = fromRows([q.data.map(value => value * 2 ** 70), q.data.map(value => value * 2 ** -70)])
    const top = topK(q, units, 6, ranks).rows
    expect([...topK(scaled, units, 6, ranks).rows]).toEqual([...top, ...top])
  })
})

describe('tieRankOf', () => {
  test('ranks ids in descending order of their characters, as text and not as numbers', () => {
    expect([...tieRankOf(['10', '9', 'b', 'B', 'é', ''])]).toEqual([4, 3, 1, 2, 0, 5])
  })
})

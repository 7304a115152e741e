import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { createEvaluator } from '../../src/evaluate/evaluator.js'
import { parseMetric } from '../../src/evaluate/metrics.js'
import { positiveRanks, rankingFromRanks } from '../../src/evaluate/positive-ranks.js'
import { tieRankOf } from '../../src/evaluate/top-k.js'
import { fromRows, type Matrix, matrix, normalizedRows } from '../../src/math/matrix.js'
import { createRandom, permutation } from '../../src/math/random.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { embedded } from '../helpers/embedded.js'

const ranksOf = (
  queries: Matrix,
  docs: Matrix,
  positives: readonly ReadonlyMap<number, number>[],
  tieRank: Uint32Array = Uint32Array.from({ length: docs.rows }, (_, i) => i),
  engine: Engine = createJsEngine(),
) => positiveRanks(engine, engine.upload(queries), engine.upload(normalizedRows(docs)), positives, tieRank)

describe('positiveRanks', () => {
  test('gives the place of every positive, in the order of the map, whatever the length of the vectors', async () => {
    const docs = fromRows([
      [1, 0],
      [7, 7],
      [0, 0.2],
      [-1, 0],
    ])
    const queries = fromRows([
      [0.01, 0],
      [0, 300],
    ])
    const positives = [
      new Map([
        [3, 1],
        [0, 2],
        [1, 1],
      ]),
      new Map([[1, 1]]),
    ]
    const ranks = await ranksOf(queries, docs, positives)
    expect(ranks.map(list => [...list])).toEqual([[4, 1, 2], [2]])
  })

  test('of equal scores the one with the lower tie rank comes first, positives among themselves too', async () => {
    const docs = fromRows([
      [1, 0],
      [2, 0],
      [3, 0],
      [0, 1],
    ])
    const positives = [
      new Map([
        [0, 1],
        [1, 1],
        [2, 1],
        [3, 1],
      ]),
    ]
    const ranks = await ranksOf(fromRows([[1, 0]]), docs, positives, Uint32Array.of(2, 0, 1, 3))
    expect([...ranks[0]]).toEqual([3, 1, 2, 4])
  })

  test('is what sorting all documents gives, with many ties', async () => {
    const random = createRandom(1)
    for (let trial = 0; trial < 20; trial++) {
      const [n, m] = [1 + random.int(6), 5 + random.int(40)]
      // Few different directions, so that many documents have exactly equal scores.
      const values = () => Float32Array.from({ length: 2 }, () => random.int(3) - 1)
      const docs = matrix(m, 2, Float32Array.from(Array.from({ length: m }, values).flatMap(v => [v[0] || 1, v[1]])))
      const queries = matrix(n, 2, Float32Array.from(Array.from({ length: n }, values).flatMap(v => [v[0] || 1, v[1]])))
      const tieRank = permutation(m, random)
      const positives = Array.from(
        { length: n },
        () =>
          new Map([
            [random.int(m), 1],
            [random.int(m), 2],
          ]),
      )
      const [Q, D] = [normalizedRows(queries), normalizedRows(docs)]
      const ranks = await ranksOf(queries, docs, positives, tieRank)
      positives.forEach((map, i) => {
        // Products of a few directions: equal in double precision where they are equal in single precision.
        const score = (j: number) => Math.fround(Q.data[2 * i] * D.data[2 * j] + Q.data[2 * i + 1] * D.data[2 * j + 1])
        const order = Array.from({ length: m }, (_, j) => j).sort((a, b) => score(b) - score(a) || tieRank[a] - tieRank[b])
        expect([...ranks[i]]).toEqual(Array.from(map.keys(), document => order.indexOf(document) + 1))
      })
    }
  })

  test('works in blocks of queries with the same result, and gives all memory back', async () => {
    const js = createJsEngine()
    let held = 0
    const engine: Engine = {
      ...js,
      alloc: (rows, cols) => {
        held++
        return js.alloc(rows, cols)
      },
      free: t => {
        held--
        js.free(t)
      },
      read: t => js.read(t),
    }
    // 3,000,000 documents of one dimension: two queries make a block.
    const m = 3_000_000
    const docs = matrix(m, 1, new Float32Array(m).fill(-1))
    const relevant = [7, 2_999_999, 0, 1_000_000, 5]
    for (const document of relevant) docs.data[document] = 1
    const queries = fromRows(relevant.map(() => [1]))
    const positives = relevant.map(document => new Map([[document, 1]]))
    const ranks = await ranksOf(queries, docs, positives, undefined, engine)
    expect(ranks.map(list => list[0])).toEqual([3, 5, 1, 4, 2])
    expect(held).toBe(0)
  })

  test('a query without positives has no ranks, and no queries have none', async () => {
    const docs = randomMatrix(4, 3, 1)
    expect(await ranksOf(randomMatrix(2, 3, 2), docs, [new Map(), new Map([[1, 1]])])).toMatchObject([
      { length: 0 },
      { length: 1 },
    ])
    expect(await ranksOf(matrix(0, 3), docs, [])).toEqual([])
  })
})

describe('rankingFromRanks', () => {
  test('puts every grade at its rank, cut at k, and lists all grades, best first', () => {
    const positives = new Map([
      [4, 1],
      [9, 3],
      [2, 2],
    ])
    expect(rankingFromRanks(Uint32Array.of(5, 2, 6), positives, 5)).toEqual({
      grades: [0, 3, 0, 0, 1],
      relevant: [3, 2, 1],
    })
  })

  test('with the ranks gives the metrics that the evaluator gives', async () => {
    const random = createRandom(4)
    const data = embedded({
      queries: randomMatrix(20, 4, 1),
      docs: randomMatrix(30, 4, 2),
      positives: Array.from({ length: 20 }, () => [
        [random.int(30), 1 + random.int(3)],
        [random.int(30), 1],
      ]),
    })
    const specs = ['ndcg@10', 'mrr@5', 'map@100', 'recall@3', 'hit@1', 'precision@10']
    const expected = createEvaluator(data, specs).evaluate(data.queries)
    const ranks = await ranksOf(data.queries, data.docs, data.positives, tieRankOf(data.docIds))
    for (const spec of specs) {
      const { metric, k } = parseMetric(spec)
      const values = ranks.map((list, i) => metric.score(rankingFromRanks(list, data.positives[i], k), k))
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(expected.perQuery[spec][i], 12)
      })
    }
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import type { Engine, Tensor } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { tieRankOf, topK } from '../../src/evaluate/top-k.js'
import { topKOn } from '../../src/evaluate/top-k-on.js'
import { type Matrix, matrix, normalizedRows, row, takeRows } from '../../src/math/matrix.js'
import { createRandom, shuffle } from '../../src/math/random.js'
import { rowSource } from '../../src/math/row-source.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { rejection } from '../helpers/rejection.js'

const names = (n: number, seed: number) =>
  shuffle(
    Array.from({ length: n }, (_, i) => `doc${i}`),
    createRandom(seed),
  )

describe.each<[string, () => Promise<Engine>]>([
  ['js', async () => createJsEngine()],
  ['cpu', createCpuEngine],
  ['cpu without onnxruntime', () => createCpuEngine({ onnxruntime: false })],
])('topKOn on %s', (_, create) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await create()
  })
  afterAll(() => engine.dispose())

  test.each([
    // queries, documents, dimensions, k, values of a block of vectors and of scores
    [7, 50, 6, 10, 48, 16],
    [1, 50, 6, 50, 60, 7],
    [40, 333, 17, 5, 17 * 64, 1000],
    [40, 333, 17, 5, 17 * 333, 333 * 40],
    [33, 1000, 64, 12, 64 * 300, 9000],
    [150, 2000, 64, 3, 64 * 700, 150 * 700],
    [3, 5, 4, 2, 1, 1],
  ])(
    'finds for %d queries among %d documents of length %d the %d that topK finds, in blocks of %d and %d',
    async (n, m, d, k, vectors, scores) => {
      const [queries, docs, tieRank] = [randomMatrix(n, d, 1), randomMatrix(m, d, 2), tieRankOf(names(m, 3))]
      const expected = topK(queries, normalizedRows(docs), k, tieRank)
      const found = await topKOn(engine, queries, docs, k, tieRank, { blocks: { vectors, scores } })
      expect(found.k).toBe(k)
      // Documents within the rounding of float32 may change places; none other may be there.
      const [Q, D] = [normalizedRows(queries), normalizedRows(docs)]
      found.scores.forEach((score, at) => {
        expect(Math.abs(score - expected.scores[at])).toBeLessThan(1e-6)
        const [q, doc] = [row(Q, Math.floor(at / k)), row(D, found.rows[at])]
        expect(Math.abs(score - q.reduce((sum, x, j) => sum + x * doc[j], 0))).toBeLessThan(1e-6)
      })
      for (let i = 0; i < n; i++) expect(new Set(found.rows.subarray(i * k, (i + 1) * k)).size).toBe(k)
      const differing = found.rows.filter((doc, at) => doc !== expected.rows[at]).length
      expect(differing).toBeLessThanOrEqual(found.rows.length / 100)
    },
  )

  test('finds the best of the documents that are allowed, and says where there are fewer', async () => {
    const [queries, docs, tieRank] = [randomMatrix(21, 8, 1), randomMatrix(90, 8, 2), tieRankOf(names(90, 3))]
    const allowed = (query: number, document: number, score: number) =>
      score < 0.5 && (query === 4 ? document < 3 : document % 3 === query % 3)
    const found = await topKOn(engine, queries, docs, 5, tieRank, {
      blocks: { vectors: 8 * 20, scores: 70 },
      allows: allowed,
    })
    const all = topK(queries, normalizedRows(docs), 90, tieRank)
    for (let i = 0; i < 21; i++) {
      const expected = Array.from({ length: 90 }, (_, at) => i * 90 + at)
        .filter(at => allowed(i, all.rows[at], all.scores[at]))
        .slice(0, 5)
      const end = i * 5 + expected.length
      expect([...found.rows.subarray(i * 5, end)]).toEqual(expected.map(at => all.rows[at]))
      expected.forEach((at, j) => {
        expect(found.scores[i * 5 + j]).toBeCloseTo(all.scores[at], 5)
      })
      expect([...found.scores.subarray(end, (i + 1) * 5)]).toEqual(Array(5 - expected.length).fill(Number.NEGATIVE_INFINITY))
      if (i === 4) expect(expected.length).toBeLessThanOrEqual(3)
      else expect(expected).toHaveLength(5)
    }
  })

  test.each([
    // At these shapes matrix products are summed in different ways: small ones, few rows, many rows, odd ends.
    [1, 2500, 7, 16],
    [67, 2500, 7, 300],
    [5, 3001, 96, 1000],
    [64, 3001, 96, 1000],
    [200, 3001, 96, 997],
    [130, 2049, 384, 640],
  ])(
    'gives exact copies the same score, and orders them by descending id, in whichever blocks they stand (%d x %d x %d, blocks of %d)',
    async (n, m, d, size) => {
      const random = createRandom(4)
      const docs = takeRows(
        randomMatrix(5, d, 5),
        Array.from({ length: m }, () => random.int(5)),
      )
      const [queries, tieRank] = [randomMatrix(n, d, 7), tieRankOf(names(m, 6))]
      const k = 40
      const expected = topK(queries, normalizedRows(docs), k, tieRank)
      const blocks = { vectors: size * d, scores: 48 * size }
      const found = await topKOn(engine, queries, docs, k, tieRank, { blocks })
      expect(found.rows).toEqual(expected.rows)
      for (let i = 0; i < n; i++) expect(new Set(found.scores.subarray(i * k, (i + 1) * k)).size).toBe(1)
    },
  )

  test('reads documents and queries that are not in memory, and gives the same', async () => {
    const [queries, docs, tieRank] = [randomMatrix(9, 8, 1), randomMatrix(100, 8, 2), tieRankOf(names(100, 3))]
    const hidden = (m: Matrix) => {
      const { rows, cols, gather } = rowSource(m)
      return { rows, cols, gather }
    }
    const blocks = { vectors: 8 * 30, scores: 100 }
    const expected = await topKOn(engine, queries, docs, 4, tieRank, { blocks })
    expect(await topKOn(engine, hidden(queries), hidden(docs), 4, tieRank, { blocks })).toEqual(expected)
  })

  test('gives all documents where fewer than k are there, and nothing where there is nothing', async () => {
    const queries = randomMatrix(2, 3, 1)
    expect(await topKOn(engine, queries, randomMatrix(4, 3, 2), 10, tieRankOf(names(4, 3)))).toMatchObject({ k: 4 })
    expect((await topKOn(engine, queries, matrix(0, 3), 10, tieRankOf([]))).rows).toHaveLength(0)
    expect((await topKOn(engine, matrix(0, 3), randomMatrix(4, 3, 2), 10, tieRankOf(names(4, 3)))).rows).toHaveLength(0)
  })

  test('does not depend on the lengths of queries and documents', async () => {
    const [queries, docs, tieRank] = [randomMatrix(2, 5, 1), randomMatrix(40, 5, 2), tieRankOf(names(40, 3))]
    const scaled = (m: Matrix, factor: number) =>
      matrix(
        m.rows,
        m.cols,
        m.data.map(x => x * factor),
      )
    const expected = await topKOn(engine, queries, docs, 6, tieRank)
    expect(await topKOn(engine, scaled(queries, 2 ** 70), scaled(docs, 2 ** -70), 6, tieRank)).toEqual(expected)
  })
})

describe('topKOn', () => {
  const [queries, docs, tieRank] = [randomMatrix(30, 4, 1), randomMatrix(200, 4, 2), tieRankOf(names(200, 3))]

  /** A js engine that knows what it holds, and can fail at a read. */
  function watchedEngine(failAt = Number.POSITIVE_INFINITY) {
    const js = createJsEngine()
    const held = new Set<Tensor>()
    const most = { values: 0 }
    let reads = 0
    const make = (t: Tensor): Tensor => {
      held.add(t)
      most.values = Math.max(
        most.values,
        [...held].reduce((sum, { rows, cols }) => sum + rows * cols, 0),
      )
      return t
    }
    const engine: Engine = {
      ...js,
      upload: m => make(js.upload(m)),
      alloc: (rows, cols) => make(js.alloc(rows, cols)),
      free: t => void held.delete(t),
      read: async t => {
        const values = await js.read(t)
        if (++reads >= failAt) throw new Error('the device is gone')
        return values
      },
    }
    return { engine, held, most }
  }

  test('holds no more on the engine than a block of each kind, and gives all of it back', async () => {
    const { engine, held, most } = watchedEngine()
    await topKOn(engine, queries, docs, 3, tieRank, { blocks: { vectors: 40, scores: 50 } })
    expect(most.values).toBeLessThanOrEqual(2 * 40 + 50)
    expect(held.size).toBe(0)
  })

  test.each([1, 2, 7])('gives everything back when read %d fails, and says why', async failAt => {
    const { engine, held } = watchedEngine(failAt)
    const error = await topKOn(engine, queries, docs, 3, tieRank, { blocks: { vectors: 40, scores: 50 } }).catch(e => e)
    expect(error).toMatchObject({ message: 'the device is gone' })
    expect(held.size).toBe(0)
  })

  test('stops between blocks when it is told to', async () => {
    const { engine, held } = watchedEngine()
    const controller = new AbortController()
    setImmediate(() => controller.abort('enough'))
    const options = { blocks: { vectors: 8, scores: 8 }, signal: controller.signal }
    const error = await rejection(topKOn(engine, queries, docs, 3, tieRank, options))
    expect(error).toMatchObject({ code: 'ABORTED', cause: 'enough' })
    expect(held.size).toBe(0)
  })
})

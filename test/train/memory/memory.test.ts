import { describe, expect, test } from 'vitest'
import { decodeGate } from '../../../src/adapters/linear-memory.js'
import { createJsEngine } from '../../../src/engines/js.js'
import { dot, identity, matrix, normalizedRows, row } from '../../../src/math/matrix.js'
import { rowSource } from '../../../src/math/row-source.js'
import { memoryWeights, rememberQueries } from '../../../src/train/query-memory/memory.js'
import { documentGroups, groupFolds } from '../../../src/train/tune/folds.js'
import { randomMatrix } from '../../contracts/engine/support.js'
import { embedded } from '../../helpers/embedded.js'

const engine = createJsEngine()
const ALL = { most: 1000, seed: 1 }

describe('rememberQueries', () => {
  test('keeps unit queries, and the mean of their unit documents by grade, worked out by hand', async () => {
    const data = embedded({
      queries: [
        [3, 4],
        [0, 2],
      ],
      docs: [
        [5, 0],
        [0, 9],
        [1, 1],
      ],
      positives: [
        [
          [0, 3],
          [1, 1],
        ],
        [1],
      ],
    })
    const memory = (await rememberQueries(engine, data, ALL))!
    expect([...memory.keys.data]).toEqual([0.6, 0.8, 0, 1].map(Math.fround))
    expect([...memory.values.data]).toEqual([0.75, 0.25, 0, 1])
    // Each is the nearest of the other.
    expect(memory.mu).toBeCloseTo(0.8, 6)
    expect(memory.sigma).toBeCloseTo(0, 6)
    expect(memory.distinct).toBe(2)
  })

  test('takes mean and deviation of the cosine to the nearest other query, leaving each one out', async () => {
    const at = (degrees: number) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]
    const cosine = (degrees: number) => Math.cos((degrees * Math.PI) / 180)
    const data = embedded({
      queries: [0, 60, 90].map(at),
      docs: [[1, 0]],
      positives: [[0], [0], [0]],
    })
    const { mu, sigma } = (await rememberQueries(engine, data, ALL))!
    const nearest = [cosine(60), cosine(30), cosine(30)]
    const mean = nearest.reduce((a, b) => a + b) / 3
    expect(mu).toBeCloseTo(mean, 6)
    expect(sigma).toBeCloseTo(Math.sqrt(nearest.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 3), 6)
  })

  test('takes queries of one direction for one, with the documents of all, and leaves out those without any', async () => {
    const data = embedded({
      queries: [
        [1, 0],
        [0, 1],
        [4, 0],
        [1, 1],
        [0, 1],
      ],
      docs: [
        [1, 0],
        [0, 1],
      ],
      positives: [[0], [1], [1], [], [[1, 2]]],
    })
    const memory = (await rememberQueries(engine, data, ALL))!
    expect([...memory.keys.data]).toEqual([1, 0, 0, 1])
    expect([...memory.values.data]).toEqual([0.5, 0.5, 0, 1])
    expect([...memory.keyOf]).toEqual([0, 1, 0, -1, 1])
    // Without the merge the repeated queries would be their own nearest.
    expect(memory.mu).toBe(0)
  })

  test('of more than it may remember takes a seeded sample', async () => {
    const [queries, docs] = [randomMatrix(50, 6, 1), randomMatrix(20, 6, 2)]
    const data = embedded({ queries, docs, positives: Array.from({ length: 50 }, (_, i) => [i % 20]) })
    const memory = (await rememberQueries(engine, data, { most: 12, seed: 3 }))!
    expect(memory).toMatchObject({ keys: { rows: 12 }, values: { rows: 12 }, distinct: 50 })
    const units = normalizedRows(queries)
    const kept = Array.from(memory.keyOf.keys()).filter(i => memory.keyOf[i] >= 0)
    expect(kept).toHaveLength(12)
    for (const i of kept) {
      expect(row(memory.keys, memory.keyOf[i])).toEqual(row(units, i))
      expect(dot(row(memory.values, memory.keyOf[i]), row(normalizedRows(docs), i % 20))).toBeCloseTo(1, 5)
    }
    expect(await rememberQueries(engine, data, { most: 12, seed: 3 })).toEqual(memory)
    expect((await rememberQueries(engine, data, { most: 12, seed: 4 }))!.keyOf).not.toEqual(memory.keyOf)
  })

  test('is the same for vectors that are not in memory', async () => {
    const [queries, docs] = [randomMatrix(30, 5, 1), randomMatrix(9, 5, 2)]
    const data = embedded({ queries, docs, positives: Array.from({ length: 30 }, (_, i) => [i % 9, (i + 4) % 9]) })
    const elsewhere = { ...data, queries: rowSource(queries), docs: rowSource(docs) }
    expect(await rememberQueries(engine, elsewhere, ALL)).toEqual(await rememberQueries(engine, data, ALL))
  })

  test.each([
    ['no labelled query', [[], []]],
    ['one labelled query', [[0], []]],
  ])('remembers nothing of %s', async (_, positives) => {
    const data = embedded({ queries: randomMatrix(2, 3, 1), docs: randomMatrix(1, 3, 2), positives })
    expect(await rememberQueries(engine, data, ALL)).toBeUndefined()
  })

  test('gives the weights of an adapter', async () => {
    const data = embedded({
      queries: randomMatrix(4, 3, 1),
      docs: randomMatrix(2, 3, 2),
      positives: [[0], [1], [0], [1]],
    })
    const memory = (await rememberQueries(engine, data, ALL))!
    const map = { W: identity(3), b: matrix(1, 3) }
    const weights = memoryWeights(map, memory, { beta: 0.5, z0: -1 })
    expect(weights).toMatchObject({ ...map, keys: memory.keys, values: memory.values })
    expect(decodeGate(weights.gate)).toMatchObject({ beta: 0.5, kappa: 40, z0: -1, mu: Math.fround(memory.mu) })
  })
})

describe('folds by document', () => {
  test('tie queries together that share a document, through others or through a copy of it', () => {
    const { positives, docTextGroup } = embedded({
      queries: randomMatrix(7, 2, 1),
      docs: randomMatrix(6, 2, 2),
      positives: [[0], [1, 2], [2], [3], [], [5], [0, 4]],
      // Documents 3 and 5 have the same text.
      docTextGroup: [0, 1, 2, 3, 4, 3],
    })
    const groups = documentGroups({ positives, docTextGroup })
    const [a, b, c, d, e, f, g] = groups
    expect([g, c, f]).toEqual([a, b, d])
    expect(new Set([a, b, d, e]).size).toBe(4)
  })

  test('keep groups whole and are filled evenly, as the seed says', () => {
    const groups = Uint32Array.from({ length: 300 }, (_, i) => Math.floor(Math.sqrt(i)))
    const folds = groupFolds(groups, 3, 1)
    const sizes = [0, 0, 0]
    const foldOf = new Map<number, number>()
    groups.forEach((group, i) => {
      sizes[folds[i]]++
      expect(foldOf.get(group) ?? folds[i]).toBe(folds[i])
      foldOf.set(group, folds[i])
    })
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(3)
    expect(groupFolds(groups, 3, 1)).toEqual(folds)
    const single = Uint32Array.from({ length: 30 }, (_, i) => i)
    expect(groupFolds(single, 3, 1)).not.toEqual(groupFolds(single, 3, 2))
  })

  test('are one fold where all queries are tied together', () => {
    expect(new Set(groupFolds(new Uint32Array(9), 3, 1)).size).toBe(1)
  })
})

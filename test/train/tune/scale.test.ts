import { describe, expect, test } from 'vitest'
import { type EmbeddedDataset, labelledRows, selectQueries } from '../../../src/embed/embedded-dataset.js'
import { createJsEngine } from '../../../src/engines/js.js'
import { dot, identity, matrix, normalizedRows, row, takeRows } from '../../../src/math/matrix.js'
import { createRandom, sampleRows } from '../../../src/math/random.js'
import { RECIPE } from '../../../src/train/recipe.js'
import { fitScale } from '../../../src/train/tune/scale.js'
import { randomMatrix } from '../../contracts/engine/support.js'
import { embedded } from '../../helpers/embedded.js'

/** Queries that are their document plus noise; their lengths differ, which must not matter. */
function noisy(queries: number, documents: number, noise: number, seed: number, d = 8): EmbeddedDataset {
  const random = createRandom(seed)
  const docs = randomMatrix(documents, d, seed + 1)
  const positives = Array.from({ length: queries }, () => [random.int(documents)])
  const out = matrix(queries, d)
  positives.forEach(([document], i) => {
    const length = 0.1 + 5 * random.next()
    for (let j = 0; j < d; j++) out.data[i * d + j] = length * (docs.data[document * d + j] + noise * random.normal())
  })
  return embedded({ queries: out, docs, positives })
}

/** Cross-entropy of the queries against all documents at every scale of the grid, in double precision. */
function losses(data: EmbeddedDataset): number[] {
  const [Q, D] = [normalizedRows(data.queries), normalizedRows(data.docs)]
  return RECIPE.scales.map(scale => {
    let sum = 0
    data.positives.forEach((positives, i) => {
      if (positives.size === 0) return
      const copies = new Set(Array.from(positives.keys(), document => data.docTextGroup[document]))
      const logits = Array.from({ length: D.rows }, (_, j) => scale * dot(row(Q, i), row(D, j)))
      const counted = logits.filter((_, j) => positives.has(j) || !copies.has(data.docTextGroup[j]))
      const top = Math.max(...counted)
      const logSum = top + Math.log(counted.reduce((total, logit) => total + Math.exp(logit - top), 0))
      const grades = [...positives.values()].reduce((a, b) => a + b, 0)
      for (const [document, grade] of positives) sum += (grade / grades) * (logSum - logits[document])
    })
    return sum
  })
}

function bruteForce(data: EmbeddedDataset): number {
  const all = losses(data)
  return RECIPE.scales[all.indexOf(Math.min(...all))]
}

describe('fitScale', () => {
  test.each([0.05, 0.2, 0.4, 0.7, 1, 1.5, 3])('finds the best value of the grid, at noise %d', async noise => {
    for (const seed of [1, 2, 3]) {
      const data = noisy(40, 60, noise, seed)
      expect(await fitScale(createJsEngine(), data, 42)).toBe(bruteForce(data))
    }
  })

  test('reaches from one end of the grid to the other', async () => {
    const scales = RECIPE.scales
    // Documents that are hard to tell apart, and queries that know theirs exactly.
    const close = matrix(
      6,
      6,
      identity(6).data.map(value => value + 3),
    )
    const exact = embedded({ queries: close, docs: close, positives: [[0], [1], [2], [3], [4], [5]] })
    expect(await fitScale(createJsEngine(), exact, 1)).toBe(scales[scales.length - 1])
    const wrong = embedded({ queries: identity(6), docs: identity(6), positives: [[1], [2], [3], [4], [5], [0]] })
    expect(await fitScale(createJsEngine(), wrong, 1)).toBe(scales[0])
  })

  test('counts several positives by their grades, leaves copies out, and passes over queries without positives', async () => {
    const data = noisy(30, 40, 0.5, 5)
    const positives = data.positives.map((map, i) =>
      i % 5 === 4 ? new Map<number, number>() : i % 3 === 0 ? new Map([...map, [(i * 7) % 40, 3]]) : map,
    )
    const docTextGroup = data.docTextGroup.map(i => (i >= 30 ? i - 30 : i))
    const changed = { ...data, positives, docTextGroup }
    expect(await fitScale(createJsEngine(), changed, 42)).toBe(bruteForce(changed))
    expect(bruteForce(changed)).not.toBe(bruteForce(data))
  })

  test('takes a seeded sample of many queries', async () => {
    const most = RECIPE.scaleQueries
    // The first queries know their document, those after them hardly.
    const [good, bad] = [noisy(most, 20, 0.1, 1, 4), noisy(most, 20, 1, 1, 4)]
    const both = embedded({
      queries: matrix(2 * most, 4, Float32Array.of(...good.queries.data, ...bad.queries.data)),
      docs: good.docs,
      positives: [...good.positives, ...bad.positives].map(map => [...map]),
    })
    const found = await fitScale(createJsEngine(), both, 42)
    expect(await fitScale(createJsEngine(), both, 42)).toBe(found)
    expect(found).toBeLessThan(bruteForce(good))
    expect(found).toBeGreaterThan(bruteForce(bad))
  })

  test.each([
    ['more queries than are looked at', RECIPE.scaleQueries + 1, false],
    ['an unlabelled query before the others', 100, true],
  ])('leaves out each query that is a document by its own id, with %s', async (_, n, unlabelledFirst) => {
    const d = 32
    const random = createRandom(1)
    const queries = randomMatrix(n, d, 2)
    // Query i is document i, and its answer is near it.
    const near = queries.data.map(value => value + 0.8 * random.normal())
    const docs = matrix(2 * n, d, Float32Array.of(...queries.data, ...near))
    const positives = Array.from({ length: n }, (_, i) => (unlabelledFirst && i === 0 ? [] : [n + i]))
    const plain = embedded({ queries, docs, positives })
    const queryIds = plain.docIds.slice(0, n)
    const data = { ...plain, queryIds, selfMatches: new Set(queryIds) }
    const rows = sampleRows(labelledRows(data), RECIPE.scaleQueries, createRandom(42))
    const selected = { ...selectQueries(data, rows), queries: takeRows(queries, rows) }
    expect(await fitScale(createJsEngine(), data, 42)).toBe(await fitScale(createJsEngine(), selected, 42))
  })
})

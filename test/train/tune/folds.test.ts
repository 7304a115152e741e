import { describe, expect, test } from 'vitest'
import { matrix, row } from '../../../src/math/matrix.js'
import { type RowSource, rowSource } from '../../../src/math/row-source.js'
import { assignFolds } from '../../../src/train/tune/folds.js'
import { sampleDataset, withQueries } from '../../../src/train/tune/sample.js'
import { embedded } from '../../helpers/embedded.js'

describe('assignFolds', () => {
  test.each([
    [10, 3],
    [300, 5],
    [7, 7],
    [1500, 3],
  ])('%i queries in %i folds: every fold, of sizes that differ by one at most', (n, folds) => {
    const assigned = assignFolds(n, folds, 1)
    expect(assigned).toHaveLength(n)
    const sizes = Array.from({ length: folds }, (_, fold) => assigned.filter(f => f === fold).length)
    expect(sizes.reduce((a, b) => a + b)).toBe(n)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    expect(Math.min(...sizes)).toBeGreaterThan(0)
  })

  test('is shuffled by the seed', () => {
    expect(assignFolds(30, 3, 1)).toEqual(assignFolds(30, 3, 1))
    expect(assignFolds(30, 3, 1)).not.toEqual(assignFolds(30, 3, 2))
    expect([...assignFolds(30, 3, 1)]).not.toEqual(Array.from({ length: 30 }, (_, i) => i % 3))
  })
})

/** Vectors of one value, by which they can be told: query i is [i], document i is [1000 + i]. */
const numbered = (n: number, from = 0) =>
  matrix(
    n,
    1,
    Float32Array.from({ length: n }, (_, i) => from + i),
  )

/** Query i, except every fourth, answers with documents i (grade 2) and 2 i. */
const data = embedded({
  queries: numbered(40),
  docs: numbered(100, 1000),
  positives: Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? [] : [[i, 2] as const, 2 * i])),
  docTextGroup: Array.from({ length: 100 }, (_, i) => i % 90),
})

/** (query, document, grade) of all positives, by ids. */
const relations = (part: Pick<typeof data, 'queryIds' | 'docIds' | 'positives'>) =>
  part.positives.flatMap((positives, i) =>
    Array.from(positives, ([document, grade]) => `${part.queryIds[i]} ${part.docIds[document]} ${grade}`),
  )

describe('sampleDataset', () => {
  test('takes all labelled queries and all documents where they are few enough', () => {
    const sample = sampleDataset(data, { queries: 30, documents: 100, seed: 1 })
    expect(sample.queryIds).toEqual(data.queryIds.filter((_, i) => i % 4 !== 3))
    expect(sample.docs).toBe(data.docs)
    expect(relations(sample)).toEqual(relations(data))
  })

  test('keeps every positive of the queries it takes, with its grade, vector and copies, in the order of the data set', () => {
    const sample = sampleDataset(data, { queries: 12, documents: 50, seed: 1 })
    expect(sample.queryIds).toHaveLength(12)
    expect(sample.docIds).toHaveLength(50)
    const wanted = new Set(sample.queryIds)
    expect(relations(sample)).toEqual(relations(data).filter(line => wanted.has(line.split(' ')[0])))
    const numberOf = (id: string) => Number(/\d+/.exec(id)![0])
    sample.queryIds.forEach((id, i) => {
      expect([...row(sample.queries, i)]).toEqual([numberOf(id)])
    })
    sample.docIds.forEach((id, i) => {
      expect([...row(sample.docs, i)]).toEqual([1000 + numberOf(id)])
      expect(sample.docTextGroup[i]).toBe(numberOf(id) % 90)
    })
    for (const ids of [sample.queryIds, sample.docIds]) {
      expect(ids).toEqual([...ids].sort((a, b) => numberOf(a) - numberOf(b)))
      expect(new Set(ids).size).toBe(ids.length)
    }
  })

  test('holds more documents than asked for rather than leave a positive out', () => {
    const sample = sampleDataset(data, { queries: 30, documents: 5, seed: 1 })
    expect(relations(sample)).toEqual(relations(data))
    expect(sample.docIds).toHaveLength(new Set(relations(data).map(line => line.split(' ')[1])).size)
  })

  test('takes documents that were judged not relevant before others, and says where they are', () => {
    const judged = Array.from({ length: 40 }, (_, i) => (i % 2 ? [] : [99 - i, 98 - i]))
    const sample = sampleDataset({ ...data, judgedNegatives: judged }, { queries: 5, documents: 24, seed: 1 })
    expect(sample.docIds).toHaveLength(24)
    sample.queryIds.forEach((id, i) => {
      const wanted = judged[Number(id.slice('query'.length))].map(document => `doc${document}`)
      expect(sample.judgedNegatives![i].map(document => sample.docIds[document])).toEqual(wanted)
    })
    const few = sampleDataset({ ...data, judgedNegatives: judged }, { queries: 5, documents: 12, seed: 1 })
    expect(few.docIds).toHaveLength(12)
    const kept = few.judgedNegatives!.flatMap((documents, i) =>
      documents.map(document => [few.queryIds[i], few.docIds[document]]),
    )
    expect(kept.length).toBeGreaterThan(0)
    for (const [query, document] of kept) {
      expect(judged[Number(query.slice('query'.length))]).toContain(Number(document.slice('doc'.length)))
    }
  })

  test('is drawn by the seed', () => {
    const ids = (seed: number) => {
      const { queryIds, docIds } = sampleDataset(data, { queries: 10, documents: 40, seed })
      return { queryIds, docIds }
    }
    expect(ids(1)).toEqual(ids(1))
    expect(ids(1).queryIds).not.toEqual(ids(2).queryIds)
    expect(ids(1).docIds).not.toEqual(ids(2).docIds)
  })

  test('brings vectors that are not in memory there, and of these no more than it needs', () => {
    const asked = new Set<number>()
    const outside = (from: typeof data.docs): RowSource => ({
      ...rowSource(from),
      gather(rows, out) {
        for (const i of rows) asked.add(i)
        rowSource(from).gather(rows, out)
      },
    })
    const options = { queries: 12, documents: 50, seed: 1 }
    const sample = sampleDataset({ ...data, docs: outside(data.docs) }, options)
    expect(sample).toEqual(sampleDataset(data, options))
    expect(asked.size).toBe(50)
  })
})

test('withQueries gives the named queries, in the given order, with all documents', () => {
  const part = withQueries(data, [5, 0, 39])
  expect(part.queryIds).toEqual(['query5', 'query0', 'query39'])
  expect([...part.queries.data]).toEqual([5, 0, 39])
  expect(part.positives).toEqual([data.positives[5], data.positives[0], data.positives[39]])
  expect(part.docs).toBe(data.docs)
  expect('judgedNegatives' in part).toBe(false)
  const judgedNegatives = Array.from({ length: 40 }, (_, i) => [i + 1])
  expect(withQueries({ ...data, judgedNegatives }, [5, 0, 39]).judgedNegatives).toEqual([[6], [1], [40]])
})

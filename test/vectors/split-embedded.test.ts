import { describe, expect, it } from 'vitest'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { fromRows, row } from '../../src/math/matrix.js'
import { splitEmbedded } from '../../src/vectors/split-embedded.js'
import { failure } from '../dataset/temporary-folder.js'
import { type EmbeddedParts, embedded } from '../helpers/embedded.js'

/** n queries of their own vectors; query i has document i. */
const distinct = (n: number, more: Partial<EmbeddedParts> = {}): EmbeddedDataset =>
  embedded({
    queries: Array.from({ length: n }, (_, i) => [i, 1]),
    docs: Array.from({ length: n }, (_, i) => [1, i]),
    positives: Array.from({ length: n }, (_, i) => [i]),
    ...more,
  })
const tenth = { fractions: { validation: 0.1, test: 0.2 }, seed: 1 }

describe('splitEmbedded', () => {
  it('gives every query with its vector, positives and text to one part, and all documents to each', () => {
    const data = {
      ...distinct(50, { judgedNegatives: Array.from({ length: 50 }, (_, i) => [(i + 1) % 50]) }),
      queryTexts: Array.from({ length: 50 }, (_, i) => `text ${i}`),
    }
    const { train, validation, test } = splitEmbedded(data, tenth)
    const parts = [train, validation!, test!]
    for (const part of parts) expect(part.queries.rows).toBeGreaterThanOrEqual(2)
    expect(parts.flatMap(part => part.queryIds).sort()).toEqual([...data.queryIds].sort())
    for (const part of parts) {
      expect(part.docs).toBe(data.docs)
      expect(part.baseId).toBe(data.baseId)
      part.queryIds.forEach((id, i) => {
        const from = Number(id.slice('query'.length))
        expect([...row(part.queries, i)]).toEqual([from, 1])
        expect([...part.positives[i]]).toEqual([[from, 1]])
        expect(part.queryTexts![i]).toBe(`text ${from}`)
        expect(part.judgedNegatives![i]).toEqual([(from + 1) % 50])
      })
    }
  })

  it('is the same for the same seed and another for another', () => {
    const ids = (seed: number) => splitEmbedded(distinct(50), { ...tenth, seed }).test!.queryIds
    expect(ids(1)).toEqual(ids(1))
    expect(ids(1)).not.toEqual(ids(2))
  })

  it('leaves out parts that are not asked for, and gives back the data set where none is', () => {
    const data = distinct(20)
    expect(Object.keys(splitEmbedded(data, { fractions: { test: 0.2 }, seed: 1 }))).toEqual(['train', 'test'])
    expect(splitEmbedded(data, { fractions: {}, seed: 1 })).toEqual({ train: data })
  })

  it('keeps queries with equal vectors on one side', () => {
    const data = distinct(60, { queries: Array.from({ length: 60 }, (_, i) => [i >> 1, 1]) })
    for (let seed = 0; seed < 5; seed++) {
      const { train, validation, test } = splitEmbedded(data, { ...tenth, seed })
      const sides = [train, validation!, test!].map(part => new Set(part.queries.data.filter((_, i) => i % 2 === 0)))
      expect(sides.reduce((sum, side) => sum + side.size, 0)).toBe(30)
    }
  })

  it('keeps queries with the same text on one side, also where their vectors differ', () => {
    const data = { ...distinct(60), queryTexts: Array.from({ length: 60 }, (_, i) => `${i % 2 ? 'A' : 'a'} ${i >> 1}`) }
    const { train, validation, test } = splitEmbedded(data, tenth)
    const sides = [train, validation!, test!].map(part => new Set(part.queryTexts!.map(text => text!.toLowerCase())))
    expect(sides.reduce((sum, side) => sum + side.size, 0)).toBe(30)
  })

  it('splits by document: no held-out query has a document, or a copy of one, that was trained on', () => {
    const data = distinct(60, {
      positives: Array.from({ length: 60 }, (_, i) => [i]),
      docTextGroup: Array.from({ length: 60 }, (_, i) => i >> 1),
    })
    const { train, validation, test } = splitEmbedded(data, { ...tenth, by: 'document' })
    const groups = [train, validation!, test!].map(
      part => new Set(part.positives.flatMap(positives => [...positives.keys()].map(doc => data.docTextGroup[doc]))),
    )
    expect(groups.reduce((sum, group) => sum + group.size, 0)).toBe(30)
  })

  it('holds out only queries that have a relevant document', () => {
    const data = distinct(40, { positives: Array.from({ length: 40 }, (_, i) => (i < 20 ? [i] : [])) })
    const { train, test } = splitEmbedded(data, { fractions: { test: 0.2 }, seed: 1 })
    expect(test!.queries.rows).toBeGreaterThanOrEqual(2)
    expect(test!.positives.every(positives => positives.size > 0)).toBe(true)
    expect(train.queries.rows + test!.queries.rows).toBe(40)
  })

  it('refuses to split what cannot be split', async () => {
    const few = await failure(() => splitEmbedded(distinct(4), tenth), 'DATASET_SPLIT')
    expect(few.message).toContain('cannot split test/model')
    const same = embedded({ queries: fromRows(Array(20).fill([1, 0])), docs: [[1, 0]], positives: Array(20).fill([0]) })
    await failure(() => splitEmbedded(same, tenth), 'DATASET_SPLIT')
    await failure(() => splitEmbedded(distinct(20), { fractions: { test: 1.5 }, seed: 1 }), 'USAGE')
  })
})

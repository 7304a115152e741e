import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openIndex } from '../../src/indexes/index.js'
import { effortText, type IndexRow, type VectorIndex } from '../../src/indexes/vector-index.js'
import { normalizeInPlace } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { rejection } from '../helpers/rejection.js'

/** A row that an index under test is filled with. */
export interface SampleRow {
  readonly id: string
  readonly text: string
  readonly kind: string
  readonly vector: readonly number[]
}

const DIMENSIONS = 8
const COUNT = 60

/** Rows with unit vectors; the last has the vector of the first. */
export function sampleRows(idOf: (row: number) => string = row => `doc-${row}`): SampleRow[] {
  const random = createRandom(7)
  const rows = Array.from({ length: COUNT }, (_, i) => ({
    id: idOf(i),
    text: `text of ${i}`,
    kind: i % 3 === 0 ? 'third' : 'other',
    vector: Array.from(normalizeInPlace(Float32Array.from({ length: DIMENSIONS }, () => random.next() - 0.5))),
  }))
  return [...rows.slice(0, -1), { ...rows[COUNT - 1], vector: rows[0].vector }]
}

/** An index under test, filled with {@link sampleRows}. */
export interface FilledIndex {
  readonly url: string
  readonly rows: readonly SampleRow[]
  /** Condition for the rows of the kind "third". */
  readonly filter: string
  /** A condition that the index cannot read. */
  readonly brokenFilter: string
  /** Largest difference of a stored value. */
  readonly tolerance?: number
  /** False if an approximate search is not exact on a few rows. Default true. */
  readonly isPrecise?: boolean
  close?(): Promise<void>
}

/** What every index must do. */
export function vectorIndexContract(name: string, fill: () => Promise<FilledIndex>): void {
  describe(`${name} keeps the contract of a vector index`, () => {
    let filled: FilledIndex
    let index: VectorIndex
    beforeAll(async () => {
      filled = await fill()
      index = await openIndex(filled.url)
    }, 120_000)
    afterAll(async () => {
      await index?.close()
      await filled?.close?.()
    })

    const scan = async (options: Parameters<VectorIndex['scan']>[0]): Promise<IndexRow[]> => {
      const found: IndexRow[] = []
      for await (const rows of index.scan(options)) found.push(...rows)
      return found
    }
    const byId = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id).sort()
    const isClose = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      a.length === b.length && Array.from(a).every((value, i) => Math.abs(value - b[i]) <= (filled.tolerance ?? 1e-6))

    it('tells its dimensions and its metric, and shows an address without parameters', () => {
      expect(index.dimensions).toBe(DIMENSIONS)
      expect(['cosine', 'l2', 'dot']).toContain(index.metric)
      expect(index.hasTexts).toBe(true)
      expect(index.id).not.toContain('?')
    })

    it('counts all rows, and those that pass a filter', async () => {
      expect(await index.count()).toBe(COUNT)
      expect(await index.count(filled.filter)).toBe(20)
    })

    it('reads every row once, with its vector and its text, in the same order each time', async () => {
      const found = await scan({ vectors: true, text: true, size: 7 })
      expect(byId(found)).toEqual(byId(filled.rows))
      const wanted = new Map(filled.rows.map(row => [row.id, row]))
      for (const { id, vector, text } of found) {
        expect(isClose(vector!, wanted.get(id)!.vector)).toBe(true)
        expect(text).toBe(wanted.get(id)!.text)
      }
      expect((await scan({})).map(({ id }) => id)).toEqual(found.map(({ id }) => id))
    })

    it('reads the rows that pass a filter, and no more than was asked for of each', async () => {
      const found = await scan({ filter: filled.filter })
      expect(byId(found)).toEqual(byId(filled.rows.filter(({ kind }) => kind === 'third')))
      expect(Object.keys(found[0])).toEqual(['id'])
    })

    it('stops reading when the reader does, and answers after that', async () => {
      for await (const rows of index.scan({ size: 2 })) if (rows.length > 0) break
      expect(await index.count()).toBe(COUNT)
    })

    it('fetches rows by id, compared as text, without those that it does not have', async () => {
      const [first, second] = filled.rows
      const found = await index.fetch([second.id, 'nothing', first.id, "it's \\ no; id"], { vectors: true, text: true })
      expect(byId(found)).toEqual(byId([first, second]))
      expect(isClose(found.find(({ id }) => id === first.id)!.vector!, first.vector)).toBe(true)
      expect(await index.fetch(['nothing'])).toEqual([])
    })

    it('finds the nearest rows exactly, also among those that pass a filter', async () => {
      const query = Float32Array.from(filled.rows[5].vector, (value, i) => value + (i === 2 ? 0.2 : 0))
      const nearest = (rows: readonly SampleRow[]) =>
        rows
          .map(({ id, vector }) => ({ id, score: vector.reduce((sum, value, i) => sum + value * query[i], 0) }))
          .sort((a, b) => b.score - a.score)
          .slice(0, 5)
          .map(({ id }) => id)
      // All have unit length, so that every metric has the order of the dot product.
      // The twins may come in any order.
      const shown = (ids: readonly string[]) => ids.map(id => (id === filled.rows[COUNT - 1].id ? filled.rows[0].id : id))
      expect(shown(await index.search(query, 5, { exact: true }))).toEqual(shown(nearest(filled.rows)))
      const third = filled.rows.filter(({ kind }) => kind === 'third')
      expect(await index.search(query, 5, { exact: true, filter: filled.filter })).toEqual(nearest(third))
    })

    it('finds both of two rows with one vector, and all rows if more are asked for than there are', async () => {
      const twins = [filled.rows[0].id, filled.rows[COUNT - 1].id]
      const query = Float32Array.from(filled.rows[0].vector)
      expect([...(await index.search(query, 2, { exact: true }))].sort()).toEqual(twins.sort())
      expect(await index.search(query, 2 * COUNT, { exact: true })).toHaveLength(COUNT)
    })

    it('searches with every effort that it names, and refuses others', async () => {
      const query = Float32Array.from(filled.rows[9].vector)
      const efforts = [undefined, ...(index.ann?.ladder ?? [])]
      for (const effort of efforts) {
        const found = await index.search(query, 3, { effort })
        expect(found.length, effort && effortText(effort)).toBeLessThanOrEqual(3)
        expect(new Set(found).size).toBe(found.length)
        const least = filled.isPrecise === false ? undefined : filled.rows[9].id
        if (least !== undefined && effort === efforts[efforts.length - 1]) expect(found[0]).toBe(least)
      }
      const error = await rejection(index.search(query, 3, { effort: { no_such: 1 } }))
      expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('unknown effort "no_such"') })
    })

    it('names itself in the error of a filter that cannot be read, and answers after that', async () => {
      const error = await rejection(index.count(filled.brokenFilter))
      expect(error).toMatchObject({ code: expect.stringMatching(/^(INDEX_OPEN|USAGE)$/) })
      expect(await index.count()).toBe(COUNT)
    })
  })
}

import { AdapterTrainError } from '../errors.js'
import { firstNonFinite } from '../math/matrix.js'
import { type IndexRow, indexError, type RowParts, type VectorIndex } from './vector-index.js'

/** No index has more; other figures are not those of an index. */
const MOST = { dimensions: 2 ** 16, rows: 2 ** 32 - 1 }

/**
 * Checks whatever an index answers, once for all kinds: ids are texts, vectors are finite and of its dimensions, counts are numbers.
 * @throws INDEX_OPEN for an answer of another form; VECTOR_INVALID for a vector, by the id of its row
 */
export function checkedIndex(index: VectorIndex): VectorIndex {
  const { id, dimensions, metric, storage, ann, hasTexts, notes } = index
  const wrong = (problem: string) => indexError(id, `${problem}. Check the address, and what answers there`)
  const asNumber = (value: unknown, what: string, most: number): number => {
    if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number
    throw wrong(`expected a number of ${what}, found ${shown(value)}`)
  }
  if (asNumber(dimensions, 'dimensions', MOST.dimensions) === 0) throw wrong('it has no vectors')

  const asId = (value: unknown): string => {
    if (typeof value === 'string' && value !== '') return value
    throw wrong(`expected ids that are texts, found ${shown(value)}`)
  }
  const asRows = (rows: unknown, { vectors }: RowParts): readonly IndexRow[] => {
    if (!Array.isArray(rows)) throw wrong(`expected a list of rows, found ${shown(rows)}`)
    for (const row of rows as readonly IndexRow[]) {
      asId(row.id)
      if (vectors) checkVector(row)
    }
    return rows
  }
  const checkVector = ({ id: row, vector = new Float32Array() }: IndexRow): void => {
    const at = firstNonFinite(vector)
    if (vector.length === dimensions && at < 0) return
    const found = at < 0 ? `${vector.length} values` : `${vector[at]} at position ${at}`
    const problem = `${id}: row ${JSON.stringify(row)}: expected ${dimensions} finite values, found ${found}`
    throw new AdapterTrainError('VECTOR_INVALID', problem)
  }

  return {
    id,
    dimensions,
    metric,
    storage,
    ...(ann && { ann }),
    hasTexts,
    notes,
    count: filter => readingAnswers(id, async () => asNumber(await index.count(filter), 'rows', MOST.rows)),
    async *scan(options = {}) {
      const blocks = index.scan(options)[Symbol.asyncIterator]()
      try {
        for (;;) {
          const { value: rows, done } = await readingAnswers(id, () => blocks.next())
          if (done) return
          yield asRows(rows, options)
        }
      } finally {
        await blocks.return?.()
      }
    },
    fetch: (ids, parts = {}) => readingAnswers(id, async () => asRows(await index.fetch(ids, parts), parts)),
    search: (vector, k, options) =>
      readingAnswers(id, async () => {
        const ids: unknown = await index.search(vector, k, options)
        if (!Array.isArray(ids)) throw wrong(`expected a list of ids, found ${shown(ids)}`)
        return ids.slice(0, k).map(asId)
      }),
    close: () => index.close(),
  }
}

/**
 * Runs work that takes the fields of answers as they should be.
 * @throws INDEX_OPEN if they are not
 */
export async function readingAnswers<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (![TypeError, RangeError, URIError].some(kind => error instanceof kind)) throw error
    throw indexError(id, 'the answer is not that of this kind of index. Check the address, and what answers there')
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

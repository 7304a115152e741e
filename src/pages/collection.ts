import { setImmediate as nextTurn } from 'node:timers/promises'
import { rankOf } from '../evaluate/positive-ranks.js'
import { createBestList, tieRankOf } from '../evaluate/top-k.js'
import type { VectorIndex } from '../indexes/vector-index.js'
import { dot, type Matrix, matrix, norm, normalizedRows } from '../math/matrix.js'
import { multiplyTransposed } from '../math/product.js'
import { truncateRows } from '../math/row-source.js'

export type Hit = { readonly id: string; readonly score: number }

export interface Found {
  readonly hits: readonly Hit[]
  /** Rank from 1; undefined if the document was not found, or too deep to tell. */
  rank(id: string): number | undefined
  /** Score of a document; undefined as for `rank`. */
  score(id: string): number | undefined
}

export interface Collection {
  readonly size: number
  /** Hits a search has to ask for, so that moves are known; 0 if ranks are known at any depth. */
  readonly depth: number
  /** @param k hits; `hidden` documents are not among them */
  search(vector: Float32Array, k: number, hidden?: ReadonlySet<string>): Promise<Found>
  text(id: string): string | undefined | Promise<string | undefined>
  documents(): Iterable<readonly [string, string]> | AsyncIterable<readonly [string, string]>
}

/** Documents compared before other requests get a turn. */
const BLOCK = 16_384

/** Holds documents in memory, vectors [documents, d], and searches them exactly by cosine similarity. */
export function memoryCollection(corpus: ReadonlyMap<string, string>, vectors: Matrix): Collection {
  const ids = [...corpus.keys()]
  const places = placesOf(ids)
  const units = new Map([[vectors.cols, normalizedRows(vectors)]])
  return {
    size: ids.length,
    depth: 0,
    text: id => corpus.get(id),
    documents: () => corpus,
    async search(vector, k, hidden) {
      const docs = units.get(vector.length) ?? normalizedRows(truncateRows(vectors, vector.length))
      units.set(vector.length, docs)
      const length = norm(vector) || 1
      const unit = vector.map(x => x / length)
      const query = matrix(1, unit.length, unit)
      const scores = new Float32Array(docs.rows)
      for (let start = 0; start < docs.rows; start += BLOCK) {
        const end = Math.min(start + BLOCK, docs.rows)
        const block = matrix(end - start, docs.cols, docs.data.subarray(start * docs.cols, end * docs.cols))
        multiplyTransposed(query, block, matrix(1, block.rows, scores.subarray(start, end)))
        if (end < docs.rows) await nextTurn()
      }
      return foundIn(scores, places, k, { hidden })
    },
  }
}

/** Ranks down to which moves in an index are known. */
const INDEX_DEPTH = 100

/** Searches an index in place, by its own search; scores are cosines. `texts`: of documents, for an index without. */
export async function indexCollection(
  index: VectorIndex,
  { filter, texts }: { readonly filter?: string; readonly texts?: ReadonlyMap<string, string> } = {},
): Promise<Collection> {
  const known = new Map<string, string>()
  async function* documents(): AsyncIterable<readonly [string, string]> {
    for await (const rows of index.scan({ text: true, filter })) {
      for (const { id, text } of rows) yield [id, text ?? texts?.get(id) ?? '']
    }
  }
  return {
    size: await index.count(filter),
    depth: INDEX_DEPTH,
    documents,
    async text(id) {
      const own = texts?.get(id) ?? known.get(id)
      return own ?? (index.hasTexts ? (await index.fetch([id], { text: true }))[0]?.text : undefined)
    },
    async search(vector, k, hidden) {
      const ids = await index.search(vector, k + (hidden?.size ?? 0), { filter })
      const rows = await index.fetch(ids, { vectors: true, text: index.hasTexts })
      const length = norm(vector) || 1
      // Texts of the last searches are at hand when the page shows them.
      if (known.size > 100 * INDEX_DEPTH) known.clear()
      const scores = new Map<string, number>()
      for (const { id, vector: found, text } of rows) {
        if (text !== undefined) known.set(id, text)
        if (found) scores.set(id, dot(vector, found) / (length * (norm(found) || 1)))
      }
      const hits = ids.filter(id => !hidden?.has(id)).map(id => ({ id, score: scores.get(id) ?? 0 }))
      return foundOf(hits.slice(0, k))
    },
  }
}

/** Rows of documents by id, and their order among equal scores. */
export function placesOf(ids: readonly string[]) {
  return { ids, rowOf: new Map(ids.map((id, i) => [id, i])), tieRank: tieRankOf(ids) }
}

/** Ranks documents by their scores. `scores`: [documents], kept. */
export function foundIn(
  scores: Float32Array,
  { ids, rowOf, tieRank }: ReturnType<typeof placesOf>,
  k: number,
  { hidden, above = Number.NEGATIVE_INFINITY }: { readonly hidden?: ReadonlySet<string>; readonly above?: number } = {},
): Found {
  for (const id of hidden ?? []) {
    const row = rowOf.get(id)
    if (row !== undefined) scores[row] = Number.NEGATIVE_INFINITY
  }
  const kept = Math.min(k, scores.length)
  const rows = new Uint32Array(kept)
  const best = new Float32Array(kept).fill(Number.NEGATIVE_INFINITY)
  createBestList(rows, best, tieRank).offer(scores, 0, scores.length, 0)
  const ofSeen = (id: string, value: (row: number) => number): number | undefined => {
    const row = rowOf.get(id)
    return row !== undefined && scores[row] > above ? value(row) : undefined
  }
  return {
    hits: Array.from(rows, (row, i) => ({ id: ids[row], score: best[i] })).filter(({ score }) => score > above),
    rank: id => ofSeen(id, row => rankOf(scores, row, tieRank)),
    score: id => ofSeen(id, row => scores[row]),
  }
}

/** A result of few documents, best first. */
export function foundOf(hits: readonly Hit[]): Found {
  const at = new Map(hits.map(({ id }, i) => [id, i]))
  return {
    hits,
    rank: id => (at.has(id) ? at.get(id)! + 1 : undefined),
    score: id => (at.has(id) ? hits[at.get(id)!].score : undefined),
  }
}

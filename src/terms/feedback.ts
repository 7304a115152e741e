import { normalizeInPlace, row } from '../math/matrix.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { createBm25, type Postings } from './bm25.js'
import { meanVector } from './build-table.js'

/** What feedback needs of a corpus: a search by words, and the vectors of its documents. */
export interface Feedback {
  readonly postings: Postings
  readonly dimensions: number
  /** [documents, dimensions] whole numbers from -127 to 127. */
  readonly vectors: Int8Array
  /** [documents] what the vectors are multiplied by. */
  readonly scale: Float32Array
  /** [dimensions] mean of the documents. */
  readonly mean: Float32Array
}

const BEST = 50
/** Sharpness of the softmax over their scores; 20 times the factor k1 + 1 that our BM25 leaves out. */
const KAPPA = 20 * 2.2

/** Takes the vectors of a corpus, each of length 1, in a quarter of their size. */
export function buildFeedback(postings: Postings, vectors: Rows): Feedback {
  const { rows: n, cols: d } = vectors
  const [values, scale] = [new Int8Array(n * d), new Float32Array(n)]
  for (const { start, block } of blocksOf(vectors)) {
    for (let i = 0; i < block.rows; i++) {
      const unit = normalizeInPlace(row(block, i).slice())
      const largest = unit.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9)
      scale[start + i] = largest / 127
      for (let j = 0; j < d; j++) values[(start + i) * d + j] = Math.round((unit[j] / largest) * 127)
    }
  }
  return { postings, dimensions: d, vectors: values, scale, mean: Float32Array.from(meanVector(vectors)) }
}

export function feedbackBytes({ postings, vectors, dimensions }: Feedback): number {
  const { keys, starts, rows, counts, lengths } = postings
  const columns = [keys, starts, rows, counts, lengths].reduce((sum, { byteLength }) => sum + byteLength, 0)
  return columns + vectors.byteLength + 4 * (lengths.length + dimensions)
}

/**
 * Direction of a query: the mean of the centred vectors of the {@link BEST} documents with the highest BM25 score, weighted by
 * softmax(kappa score / sum of idf), of length 1; zero if no word of the query is in a document.
 */
export function createFeedback({ postings, dimensions: d, vectors, scale, mean }: Feedback) {
  const search = createBm25(postings)
  return (words: Iterable<string>): Float32Array => {
    const distinct = [...new Set(words)]
    const scores = search.scores(distinct)
    const total = Math.max(search.weight(distinct), 1e-6)
    const best = highest(scores, BEST)
    const out = new Float64Array(d)
    for (const document of best) {
      const weight = Math.exp((KAPPA * (scores[document] - scores[best[0]])) / total)
      const factor = weight * scale[document]
      for (let j = 0, at = document * d; j < d; j++) out[j] += factor * vectors[at + j] - weight * mean[j]
    }
    return normalizeInPlace(Float32Array.from(out))
  }
}

/** The documents with the highest scores above `least`, the best first; of equal scores the earlier document. */
export function highest(scores: Float32Array, count: number, least = 0): number[] {
  const best: number[] = []
  for (let i = 0; i < scores.length; i++) {
    if (!(scores[i] > least)) continue
    let at = best.length
    while (at > 0 && scores[best[at - 1]] < scores[i]) at--
    best.splice(at, 0, i)
    if (best.length > count) best.pop()
    if (best.length === count) least = scores[best[count - 1]]
  }
  return best
}

import { indexOfKey, termKey } from './keys.js'

/** Parameters of BM25; the defaults are those of Lucene, Elasticsearch and OpenSearch. */
export interface Bm25Options {
  /** Saturation of a word's count. Default 1.2. */
  readonly k1?: number
  /** Share of the length normalisation. Default 0.75. */
  readonly b?: number
}

export const BM25_DEFAULTS = { k1: 1.2, b: 0.75 } as const

/** Words of documents with their counts. */
export interface Postings {
  readonly documents: number
  /** [words] keys of the words, ascending. */
  readonly keys: Float64Array
  /** [words + 1] where the postings of each word begin. */
  readonly starts: Uint32Array
  /** [postings] document of each posting, ascending within a word. */
  readonly rows: Uint32Array
  /** [postings] how often the word is in the document. */
  readonly counts: Uint32Array
  /** [documents] words in each document. */
  readonly lengths: Uint32Array
}

/** Collects the words of documents, one document after the other. */
export function collectPostings(): { add(words: readonly string[]): void; finish(): Postings } {
  const numbers = new Map<number, number>()
  const keys: number[] = []
  const lengths: number[] = []
  const cells = { word: growable(), row: growable(), count: growable() }
  return {
    add(words) {
      const found = new Map<string, number>()
      for (const word of words) found.set(word, (found.get(word) ?? 0) + 1)
      for (const [word, count] of found) {
        const key = termKey(word)
        let number = numbers.get(key)
        if (number === undefined) {
          number = keys.push(key) - 1
          numbers.set(key, number)
        }
        cells.word.push(number)
        cells.row.push(lengths.length)
        cells.count.push(count)
      }
      lengths.push(words.length)
    },
    finish() {
      const order = Uint32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b])
      const place = new Uint32Array(keys.length)
      for (const [i, number] of order.entries()) place[number] = i
      const [word, row, count] = [cells.word.values(), cells.row.values(), cells.count.values()]
      const starts = new Uint32Array(keys.length + 1)
      for (let i = 0; i < word.length; i++) starts[place[word[i]] + 1]++
      for (let i = 0; i < keys.length; i++) starts[i + 1] += starts[i]
      const next = starts.slice()
      const rows = new Uint32Array(word.length)
      const counts = new Uint32Array(word.length)
      for (let i = 0; i < word.length; i++) {
        const at = next[place[word[i]]]++
        rows[at] = row[i]
        counts[at] = count[i]
      }
      return {
        documents: lengths.length,
        keys: Float64Array.from(order, number => keys[number]),
        starts,
        rows,
        counts,
        lengths: Uint32Array.from(lengths),
      }
    },
  }
}

/** A column of numbers that grows. */
function growable() {
  let data = new Uint32Array(1024)
  let length = 0
  return {
    push(value: number) {
      if (length === data.length) {
        const larger = new Uint32Array(2 * length)
        larger.set(data)
        data = larger
      }
      data[length++] = value
    },
    values: () => data.subarray(0, length),
  }
}

/**
 * BM25 in Lucene's form, without its constant factor k1 + 1.
 * @see Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009
 */
export function createBm25(postings: Postings, { k1, b }: Required<Bm25Options> = BM25_DEFAULTS) {
  const { documents: n, keys, starts, rows, counts, lengths } = postings
  const scores = new Float32Array(n)
  let total = 0
  for (const length of lengths) total += length
  const penalty = Float64Array.from(lengths, length => k1 * (1 - b + (b * length * n) / Math.max(total, 1e-9)))
  const idf = (i: number): number => {
    const df = starts[i + 1] - starts[i]
    return Math.log(1 + (n - df + 0.5) / (df + 0.5))
  }
  const each = (words: readonly string[], use: (i: number) => void): void => {
    for (const word of words) {
      const i = indexOfKey(keys, termKey(word))
      if (i >= 0) use(i)
    }
  }
  return {
    documents: n,
    /**
     * Score of every document: sum over the words of idf(w) f / (f + k1 (1 - b + b length / mean length)), f the count of w in the
     * document, idf(w) = ln(1 + (N - df + 0.5) / (df + 0.5)). A word that is given twice counts twice.
     * @returns [documents], overwritten by the next call
     */
    scores(words: readonly string[]): Float32Array {
      scores.fill(0)
      each(words, i => {
        const weight = idf(i)
        for (let p = starts[i]; p < starts[i + 1]; p++) {
          scores[rows[p]] += (weight * counts[p]) / (counts[p] + penalty[rows[p]])
        }
      })
      return scores
    },
    /** Sum of the idf of the words that are in some document. */
    weight(words: readonly string[]): number {
      let sum = 0
      each(words, i => {
        sum += idf(i)
      })
      return sum
    },
  }
}

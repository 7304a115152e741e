/** Scores or ranks of a document in two searches become one score. A new way is one entry in {@link FUSIONS}. */
export interface Fusion {
  /** One line for reports. */
  readonly description: string
  /** Weights that tuning chooses from, of the search by words; the search by vectors has 1 minus the weight, or 1 with `added`. */
  readonly weights: readonly number[]
  /** True if the weight is a factor added to the scores of the search by vectors. */
  readonly added?: true
  /** Prepares the scores of one query, so that fused scores are their weighted sum. */
  prepare(scores: Float32Array, documents: readonly number[]): Float32Array
}

/** Documents that each search retrieves before they are fused, by default. */
export const HYBRID_WINDOW = 100
/** Constant of reciprocal rank fusion. */
export const RRF_K = 60

const SHARES = [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1]

/** Ways to fuse a search by vectors and a search by words. */
export const FUSIONS = {
  relative: { description: 'scores of the retrieved documents scaled to 0 to 1 per query', weights: SHARES, prepare: relative },
  ranks: {
    description: `weighted reciprocal ranks, 1 / (${RRF_K} + rank)`,
    weights: SHARES,
    prepare(scores, documents) {
      const out = new Float32Array(scores.length)
      for (const [i, document] of documents.entries()) out[document] = 1 / (RRF_K + i + 1)
      return out
    },
  },
  raw: {
    description: 'cosine plus a weight times the score of the search by words',
    weights: [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 2, 5],
    added: true,
    prepare: scores => scores,
  },
} satisfies Record<string, Fusion>

export type FusionName = keyof typeof FUSIONS
export const FUSION_NAMES = Object.keys(FUSIONS) as FusionName[]

/** The first documents of a search, best first; a score of 0 in a search by words, or of -Infinity, is none. */
export function retrieved(scores: Float32Array, window: number): number[] {
  const values = scores.filter(score => score !== 0 && score > Number.NEGATIVE_INFINITY).sort()
  const least = values[Math.max(0, values.length - window)]
  const found: number[] = []
  for (let i = 0; i < scores.length; i++) if (scores[i] !== 0 && scores[i] >= least) found.push(i)
  return found.sort((a, b) => scores[b] - scores[a] || a - b).slice(0, window)
}

/** Relative scores: the best of the retrieved documents 1, the last 0, all others 0. */
function relative(scores: Float32Array, documents: readonly number[]): Float32Array {
  const out = new Float32Array(scores.length)
  if (documents.length === 0) return out
  const [highest, lowest] = [scores[documents[0]], scores[documents[documents.length - 1]]]
  for (const document of documents) {
    // One document, or documents alike, count whole.
    out[document] = highest > lowest ? (scores[document] - lowest) / (highest - lowest) : 1
  }
  return out
}

/** Weighted sum of prepared scores. */
export function fuse({ added }: Fusion, vectors: Float32Array, words: Float32Array, weight: number): Float32Array {
  const rest = added ? 1 : 1 - weight
  return vectors.map((score, i) => rest * score + weight * words[i])
}

/** Reduction of the vectors of a text's tokens to one. */
export type PoolingMode = 'cls' | 'max' | 'mean' | 'mean_sqrt_len' | 'weighted_mean' | 'last_token'

/**
 * Pools token vectors into one vector per text; several modes are concatenated.
 *
 * Positions at and after a text's length are padding. A text of no tokens gives zeros.
 * @param hidden token vectors, row-major [B, T, H]
 * @param lengths tokens of each text, B values of at most T
 * @see https://github.com/huggingface/sentence-transformers (models/Pooling.py)
 */
export function pool(
  hidden: Float32Array,
  T: number,
  H: number,
  lengths: readonly number[],
  modes: readonly PoolingMode[],
): Float32Array[] {
  return lengths.map((length, b) => {
    const tokens = hidden.subarray(b * T * H, (b * T + length) * H)
    const out = new Float32Array(modes.length * H)
    if (length === 0) return out
    for (const [i, mode] of modes.entries()) POOLERS[mode](tokens, length, H, out.subarray(i * H, (i + 1) * H))
    return out
  })
}

type Pooler = (tokens: Float32Array, length: number, H: number, out: Float32Array) => void

const POOLERS: Record<PoolingMode, Pooler> = {
  cls: (tokens, _length, H, out) => out.set(tokens.subarray(0, H)),
  last_token: (tokens, length, H, out) => out.set(tokens.subarray((length - 1) * H, length * H)),
  max: (tokens, length, H, out) => {
    out.set(tokens.subarray(0, H))
    for (let t = 1; t < length; t++) for (let k = 0; k < H; k++) out[k] = Math.max(out[k], tokens[t * H + k])
  },
  mean: (tokens, length, H, out) => weightedSum(tokens, length, H, out, () => 1, length),
  mean_sqrt_len: (tokens, length, H, out) => weightedSum(tokens, length, H, out, () => 1, Math.sqrt(length)),
  weighted_mean: (tokens, length, H, out) => weightedSum(tokens, length, H, out, t => t + 1, (length * (length + 1)) / 2),
}

/** out = sum over t of weight(t) * tokens[t], divided by `total`, summed in double precision. */
function weightedSum(
  tokens: Float32Array,
  length: number,
  H: number,
  out: Float32Array,
  weight: (t: number) => number,
  total: number,
): void {
  const sums = new Float64Array(H)
  for (let t = 0; t < length; t++) {
    const w = weight(t)
    for (let k = 0; k < H; k++) sums[k] += w * tokens[t * H + k]
  }
  for (let k = 0; k < H; k++) out[k] = sums[k] / total
}

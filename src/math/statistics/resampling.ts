import { createRandom } from '../random.js'

/** Default number of resamples: `most`, or as many as `draws` allow, at least `least`. */
interface SampleLimits {
  readonly most: number
  readonly least: number
  /** Values x resamples, which is what the time goes into. */
  readonly draws: number
}

/**
 * 10,000 up to 2,000 values, then fewer in proportion, down to 500 from 40,000 values on. The Monte Carlo error of an end of a 95 %
 * interval is then 0.027 to 0.12 standard errors of the mean, which themselves shrink with the number of values.
 */
export const BOOTSTRAP_SAMPLES: SampleLimits = { most: 10_000, least: 500, draws: 2e7 }
/** Signs cost less than draws: 10,000 up to 20,000 values, 1,000 from 200,000 values on. */
export const RANDOMIZATION_SAMPLES: SampleLimits = { most: 10_000, least: 1_000, draws: 2e8 }

/** The default number of resamples of n values. */
export function defaultSamples(n: number, { most, least, draws }: SampleLimits): number {
  return Math.max(least, Math.min(most, Math.floor(draws / Math.max(1, n))))
}

/** Checks deltas: one length, finite values. A NaN would fail every comparison unseen and look significant. */
export function checkDeltas(deltas: readonly ArrayLike<number>[]): number {
  const n = deltas[0]?.length ?? 0
  for (const delta of deltas) {
    if (delta.length !== n) throw new RangeError(`expected vectors of one length, found ${n} and ${delta.length} values`)
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(delta[i])) throw new RangeError(`expected finite differences, found ${delta[i]} at index ${i}`)
    }
  }
  return n
}

export function checkSamples(samples: number): void {
  if (!Number.isSafeInteger(samples) || samples < 1)
    throw new RangeError(`expected "samples" to be a positive integer, found ${samples}`)
}

/**
 * A source of uniform 32-bit words in bulk, for resampling: sfc32, seeded through `createRandom`.
 *
 * Several times as fast as one call a number, because the state stays in registers while a buffer is filled.
 * @returns fills the whole buffer with the next words
 * @see https://pracrand.sourceforge.net/RNG_engines.txt (Doty-Humphrey, sfc)
 */
export function createWordSource(seed: number): (out: Uint32Array) => void {
  const random = createRandom(seed)
  const state = Int32Array.from({ length: 3 }, () => random.int(2 ** 32))
  let counter = 1
  return out => {
    let [a, b, c] = state
    let n = counter
    for (let i = 0; i < out.length; i++) {
      const word = (a + b + n) | 0
      n = (n + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = (((c << 21) | (c >>> 11)) + word) | 0
      out[i] = word
    }
    state[0] = a
    state[1] = b
    state[2] = c
    counter = n
  }
}

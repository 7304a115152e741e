import { describe, expect, test } from 'vitest'
import { createAttentionKernel, createPlainAttentionKernel } from '../../../src/engines/cpu/attention-kernel.js'
import { expectClose, randomMatrix } from '../../contracts/engine/support.js'

/** sum over i of softmax_i(q . keys[i]) values[i] in double precision, and the largest logit. */
function attend(keys: Float32Array, values: Float32Array, n: number, q: Float32Array) {
  const [d, k] = [keys.length / n, values.length / n]
  const logits = Array.from({ length: n }, (_, i) => {
    let sum = 0
    for (let j = 0; j < d; j++) sum += keys[i * d + j] * q[j]
    return sum
  })
  const top = Math.max(...logits)
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)
  const out = Float32Array.from({ length: k }, (_, j) =>
    logits.reduce((sum, logit, i) => sum + (Math.exp(logit - top) / total) * values[i * k + j], 0),
  )
  return { out, top }
}

describe.each([
  ['in WebAssembly', createAttentionKernel],
  ['in plain TypeScript', createPlainAttentionKernel],
])('attention %s', (_, create) => {
  test('is the softmax-weighted mean of the values, worked out by hand', () => {
    const out = new Float32Array(1)
    // Logits ln 3 and 0: weights 3/4 and 1/4.
    const top = create(Float32Array.of(1, 0, 0, 1), Float32Array.of(8, 4), 2)(Float32Array.of(Math.log(3), 0), out)
    expect(out[0]).toBeCloseTo(7, 5)
    expect(top).toBeCloseTo(Math.log(3), 6)
  })

  test.each([
    [1, 1, 1, 1],
    [1, 7, 3, 5],
    [2, 3, 9, 5],
    [5, 16, 16, 5],
    [7, 33, 17, 20],
    [130, 64, 64, 5],
    [1001, 24, 13, 40],
    [4096, 8, 8, 0],
  ])('of %d keys of %d dimensions with values of %d agrees with double precision', (n, d, k, spread) => {
    const [keys, values] = [randomMatrix(n, d, 1).data, randomMatrix(n, k, 2).data]
    const kernel = create(keys, values, n)
    for (const seed of [3, 4]) {
      const q = randomMatrix(1, d, seed).data.map(x => (spread * x) / d)
      const expected = attend(keys, values, n, q)
      const out = new Float32Array(k).fill(Number.NaN)
      expect(kernel(q, out)).toBeCloseTo(expected.top, 4)
      expectClose(out, expected.out, 1e-5, 'out', { floor: 1e-2 })
    }
  })

  test('does not overflow, and gives a far better key all the weight', () => {
    const out = new Float32Array(2)
    const kernel = create(Float32Array.of(1, -1, 0.5), Float32Array.of(1, 2, 30, 40, 500, 600), 3)
    expect(kernel(Float32Array.of(1000), out)).toBe(1000)
    expect([...out]).toEqual([1, 2])
    expect(kernel(Float32Array.of(-1000), out)).toBe(1000)
    expect([...out]).toEqual([30, 40])
  })
})

test('the WebAssembly kernel is the one in use here', () => {
  const values = Float32Array.of(2)
  const kernel = createAttentionKernel(Float32Array.of(1), values, 1)
  const out = new Float32Array(1)
  values[0] = 5
  kernel(Float32Array.of(1), out)
  expect(out[0], 'a copy was taken, which only the WebAssembly kernel does').toBe(2)
})

import { describe, expect, test } from 'vitest'
import { createLinearKernel, createPlainKernel } from '../../../src/engines/cpu/linear-kernel.js'
import { expectClose, randomMatrix } from '../../contracts/engine/support.js'

describe.each([
  ['in WebAssembly', createLinearKernel],
  ['in plain TypeScript', createPlainKernel],
])('a linear kernel %s', (_, create) => {
  test('is W q + b, worked out by hand', () => {
    const out = new Float32Array(2)
    create(Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(10, -10), 3)(Float32Array.of(1, 0, -1), out)
    expect([...out]).toEqual([8, -12])
  })

  test.each([
    [1, 1],
    [3, 5],
    [4, 4],
    [5, 3],
    [17, 33],
    [130, 67],
    [256, 384],
  ])('of %d x %d agrees with sums in double precision, with and without b', (rows, cols) => {
    const [W, b, q] = [randomMatrix(rows, cols, 1).data, randomMatrix(1, rows, 2).data, randomMatrix(1, cols, 3).data]
    for (const bias of [b, undefined]) {
      const expected = Float32Array.from({ length: rows }, (_, i) => {
        let sum = bias?.[i] ?? 0
        for (let j = 0; j < cols; j++) sum += W[i * cols + j] * q[j]
        return sum
      })
      const out = new Float32Array(rows).fill(Number.NaN)
      const kernel = create(W, bias, cols)
      kernel(q, out)
      expectClose(out, expected, 2e-6, 'out')
      kernel([...q], out.fill(Number.NaN))
      expectClose(out, expected, 2e-6, 'out of a plain array')
    }
  })

  test('starts every call anew', () => {
    const out = new Float32Array(1)
    const kernel = create(Float32Array.of(2), undefined, 1)
    kernel([3], out)
    kernel([4], out)
    expect(out[0]).toBe(8)
  })
})

test('the WebAssembly kernel is the one in use here', () => {
  const W = Float32Array.of(2)
  const kernel = createLinearKernel(W, undefined, 1)
  const out = new Float32Array(1)
  W[0] = 5
  kernel([1], out)
  expect(out[0], 'a copy of W was taken, which only the WebAssembly kernel does').toBe(2)
})

import { describe, expect, test } from 'vitest'
import { ADAPTER_KIND_NAMES, adapterKind, MAP_KIND_NAMES } from '../../src/adapters/index.js'
import { adapterKindContract } from '../contracts/adapter-kind.js'

for (const name of MAP_KIND_NAMES) {
  adapterKindContract(name)
  if (adapterKind(name).rectangular) for (const more of [-2, 0, 3]) adapterKindContract(name, undefined, more)
  if (adapterKind(name).size) for (const size of [1, 3, 9]) adapterKindContract(name, size)
}

describe('adapterKind', () => {
  test.each(['no-such-kind', 'toString', '__proto__', ''])('refuses "%s", naming the kinds that there are', name => {
    expect(() => adapterKind(name)).toThrow(
      expect.objectContaining({
        code: 'ADAPTER_FORMAT',
        message: expect.stringContaining(`"${name}"; expected one of ${MAP_KIND_NAMES.join(', ')};`),
      }),
    )
  })

  test('has no map for a closed form, which gives a linear adapter', () => {
    expect(ADAPTER_KIND_NAMES).toEqual([...MAP_KIND_NAMES, 'ridge', 'procrustes', 'linear-memory'])
    expect(() => adapterKind('ridge')).toThrow(expect.objectContaining({ code: 'ADAPTER_FORMAT' }))
  })
})

/** Values of the weights, with 0, 1, 2, ... for a query of two dimensions worked out by hand. */
const apply = (name: string, weights: Record<string, [rows: number, cols: number, ...values: number[]]>) => {
  const params = Object.fromEntries(
    Object.entries(weights).map(([key, [rows, cols, ...values]]) => [key, { rows, cols, data: Float32Array.from(values) }]),
  )
  const out = new Float32Array(2)
  adapterKind(name).apply(params, Float32Array.of(1, 2), out)
  return [...out]
}

describe('worked out by hand for q = (1, 2)', () => {
  test('low-rank: q + U V q + b', () => {
    // V q = 3 - 2 = 1 and U V q = (10, 20)
    expect(apply('low-rank', { U: [2, 1, 10, 20], V: [1, 2, 3, -1], b: [1, 2, 0.5, 0.25] })).toEqual([11.5, 22.25])
  })

  test('diagonal: w * q + b', () => {
    expect(apply('diagonal', { w: [1, 2, 3, -4], b: [1, 2, 0.5, 0] })).toEqual([3.5, -8])
  })

  test('residual-mlp: q + W2 relu(W1 q + b1) + b2', () => {
    // W1 q + b1 = (1 + 2 - 1, 1 - 2 + 0.5, 4) = (2, -0.5, 4), of which relu leaves (2, 0, 4)
    const weights = { W1: [3, 2, 1, 1, 1, -1, 0, 2], b1: [1, 3, -1, 0.5, 0], b2: [1, 2, 100, 0] }
    expect(apply('residual-mlp', { ...weights, W2: [2, 3, 1, 7, 1, 0, 7, 0.5] } as never)).toEqual([107, 4])
  })
})

test('a low-rank adapter has far fewer weights than a linear one, and no size larger than the dimensions by default', () => {
  const count = (name: string, d: number) =>
    adapterKind(name)
      .params(d)
      .reduce((sum, { rows, cols }) => sum + rows * cols, 0)
  expect(count('low-rank', 1536)).toBe(2 * 32 * 1536 + 1536)
  expect(count('low-rank', 8)).toBe(2 * 8 * 8 + 8)
  expect(count('residual-mlp', 1536)).toBe(2 * 256 * 1536 + 256 + 1536)
})

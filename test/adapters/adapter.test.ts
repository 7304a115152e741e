import { describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter, validateAdapter } from '../../src/adapters/adapter.js'
import { fromRows, matrix, row } from '../../src/math/matrix.js'

// q' = (q0 + 2 q1 + 10, 3 q0 - q1 + 20)
const adapter: Adapter = {
  kind: 'linear',
  base: { id: 'test/model', dimensions: 2, normalized: true },
  training: { tool: 'test', date: '2024-01-01T00:00:00Z', data: {}, options: {}, metrics: {} },
  params: { W: matrix(2, 2, Float32Array.of(1, 2, 3, -1)), b: matrix(1, 2, Float32Array.of(10, 20)) },
}

describe('applyAdapter', () => {
  test('maps one vector, a list or a matrix, and answers in the same form', () => {
    expect(applyAdapter(adapter, [1, 2])).toEqual(Float32Array.of(15, 21))
    expect(applyAdapter(adapter, Float64Array.of(1, 2))).toEqual(Float32Array.of(15, 21))
    expect(applyAdapter(adapter, [[1, 2], Float32Array.of(0, 1)])).toEqual([
      Float32Array.of(15, 21),
      Float32Array.of(12, 19),
    ])
    expect(applyAdapter(adapter, fromRows([[0, 0]]))).toEqual(fromRows([[10, 20]]))
    expect(applyAdapter(adapter, [])).toEqual([])
    expect(applyAdapter(adapter, matrix(0, 2))).toEqual(matrix(0, 2))
  })

  test('leaves the argument as it is, also where it is a view of a larger buffer', () => {
    const buffer = Float32Array.of(9, 1, 2, 9)
    const view = buffer.subarray(1, 3)
    expect(applyAdapter(adapter, view)).toEqual(Float32Array.of(15, 21))
    expect(row(applyAdapter(adapter, matrix(1, 2, view)), 0)).toEqual(Float32Array.of(15, 21))
    expect([...buffer]).toEqual([9, 1, 2, 9])
  })

  test.each([
    ['the vector has 3 dimensions', () => applyAdapter(adapter, [1, 2, 3])],
    ['the vector has 1 dimensions', () => applyAdapter(adapter, [1])],
    ['vector 1 has 0 dimensions', () => applyAdapter(adapter, [[1, 2], []])],
    ['row 0 has 3 dimensions', () => applyAdapter(adapter, matrix(1, 3))],
    ['the vector holds NaN at index 1', () => applyAdapter(adapter, [0, Number.NaN])],
    ['row 1 holds Infinity at index 0', () => applyAdapter(adapter, matrix(2, 2, Float32Array.of(0, 0, 1 / 0, 0)))],
  ])('refuses with "%s ..."', (message, run) => {
    expect(run).toThrow(expect.objectContaining({ code: 'VECTOR_INVALID', message: expect.stringContaining(message) }))
  })
})

describe('validateAdapter', () => {
  const { W, b } = adapter.params
  test('accepts an adapter whose parameters fit', () => {
    expect(() => validateAdapter(adapter)).not.toThrow()
  })

  test.each<[string, string, Partial<Adapter>]>([
    ['ADAPTER_FORMAT', 'parameter "b" of the linear adapter is missing', { params: { W } }],
    ['ADAPTER_FORMAT', 'has no parameter "U"', { params: { W, b, U: W } }],
    [
      'ADAPTER_FORMAT',
      '"W" is 2 x 3, but a linear adapter for 2 dimensions needs 2 x 2',
      { params: { W: matrix(2, 3), b } },
    ],
    ['ADAPTER_FORMAT', '"b" is 2 x 1', { params: { W, b: matrix(2, 1) } }],
    ['ADAPTER_FORMAT', '"W" is 2 x 2', { base: { ...adapter.base, dimensions: 3 } }],
    ['ADAPTER_FORMAT', 'there is no adapter kind "cubic"', { kind: 'cubic' }],
    [
      'ADAPTER_CORRUPT',
      '"W" holds NaN at row 1, column 0',
      { params: { W: matrix(2, 2, Float32Array.of(1, 1, Number.NaN, 1)), b } },
    ],
  ])('refuses with %s: %s', (code, message, change) => {
    expect(() => validateAdapter({ ...adapter, ...change }, 'some.json')).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/^some\.json: /) }),
    )
    expect(() => validateAdapter({ ...adapter, ...change })).toThrow(message)
  })
})

import { describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter, validateAdapter } from '../../src/adapters/adapter.js'
import { adapterKind, MAP_KIND_NAMES } from '../../src/adapters/index.js'
import { anchorAt } from '../../src/engines/engine.js'
import { fromRows, matrix, row } from '../../src/math/matrix.js'
import { randomMatrix, randomUnitRows } from '../contracts/engine/support.js'

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
    expect(applyAdapter(adapter, [[1, 2], Float32Array.of(0, 1)])).toEqual([Float32Array.of(15, 21), Float32Array.of(12, 19)])
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

/** Weights near those of training: the anchor, and a little noise. */
function nearIdentity(kind: string, d: number): Adapter {
  const params = Object.fromEntries(
    adapterKind(kind)
      .params(d)
      .map(({ name, rows, cols, anchor }, p) => {
        const m = randomMatrix(rows, cols, 10 + p)
        for (let k = 0; k < m.data.length; k++) m.data[k] = 0.05 * m.data[k] + anchorAt(anchor, k, cols)
        return [name, m]
      }),
  )
  return { ...adapter, kind, base: { ...adapter.base, dimensions: d }, params }
}

describe.each(MAP_KIND_NAMES)('applyAdapter with a %s adapter', kind => {
  test.each([1, 7, 384, 1536])('is exact to 1e-6 of float64 in %d dimensions, in every form', d => {
    const given = nearIdentity(kind, d)
    const q = randomUnitRows(3, d, 1)
    const mapped = applyAdapter(given, q)
    for (let i = 0; i < q.rows; i++) {
      const expected = new Float64Array(d)
      adapterKind(kind).apply(given.params, row(q, i), expected as unknown as Float32Array)
      let [largest, off] = [0, 0]
      for (let j = 0; j < d; j++) {
        largest = Math.max(largest, Math.abs(expected[j]))
        off = Math.max(off, Math.abs(expected[j] - row(mapped, i)[j]))
      }
      expect(off / largest).toBeLessThan(1e-6)
      expect(applyAdapter(given, row(q, i))).toEqual(row(mapped, i))
      expect(applyAdapter(given, [...row(q, i)])).toEqual(row(mapped, i))
      expect(applyAdapter(given, [row(q, i)])[0]).toEqual(row(mapped, i))
    }
  })

  test('gives every call a result of its own, and keeps adapters apart', () => {
    const [one, other] = [nearIdentity(kind, 5), nearIdentity(kind, 6)]
    const [q, p] = [randomMatrix(1, 5, 1).data, randomMatrix(1, 6, 2).data]
    const first = applyAdapter(one, q)
    const kept = first.slice()
    const second = applyAdapter(other, p)
    applyAdapter(
      one,
      q.map(x => -x),
    )
    expect(first).toEqual(kept)
    expect(applyAdapter(other, p)).toEqual(second)
    expect(applyAdapter(one, q)).toEqual(kept)
  })
})

test('applyAdapter refuses an adapter whose weights do not fit, instead of giving a wrong vector', () => {
  const small = { ...adapter, base: { ...adapter.base, dimensions: 3 }, params: { ...adapter.params } }
  expect(() => applyAdapter(small, [1, 2, 3])).toThrow(expect.objectContaining({ code: 'ADAPTER_FORMAT' }))
})

test('applyAdapter takes less than a millisecond for a linear adapter of 1,536 dimensions', () => {
  const given = nearIdentity('linear', 1536)
  const q = randomUnitRows(1, 1536, 1).data
  const times = Array.from({ length: 400 }, () => {
    const started = performance.now()
    applyAdapter(given, q)
    return performance.now() - started
  })
  // The least, as other work on the machine only adds.
  expect(Math.min(...times)).toBeLessThan(1)
})

describe('validateAdapter', () => {
  const { W, b } = adapter.params
  test('accepts an adapter whose parameters fit', () => {
    expect(() => validateAdapter(adapter)).not.toThrow()
  })

  test.each<[string, string, Partial<Adapter>]>([
    ['ADAPTER_FORMAT', 'parameter "b" of the linear adapter is missing', { params: { W } }],
    ['ADAPTER_FORMAT', 'has no parameter "U"', { params: { W, b, U: W } }],
    ['ADAPTER_FORMAT', '"W" is 2 x 3, but a linear adapter for 2 dimensions needs 2 x 2', { params: { W: matrix(2, 3), b } }],
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

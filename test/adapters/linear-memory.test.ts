import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter, validateAdapter } from '../../src/adapters/adapter.js'
import { adapterHash, loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { ADAPTER_KIND_NAMES, adapterKind, adapterMap, trainedKind } from '../../src/adapters/index.js'
import { decodeGate, encodeGate, type MemoryGate, memoryWeight } from '../../src/adapters/linear-memory.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import { createJsEngine } from '../../src/engines/js.js'
import { type Matrix, matrix, norm, row } from '../../src/math/matrix.js'
import { applyAdapterOn } from '../../src/train/adapt-on.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { expectClose, randomMatrix, randomUnitRows } from '../contracts/engine/support.js'

const GATE: MemoryGate = { beta: 0.5, kappa: 40, z0: -1, mu: 0.5, sigma: 0.25 }

function adapterOf(d: number, n: number, gate: MemoryGate = GATE, outputs = d): Adapter {
  const near = randomMatrix(outputs, d, 1)
  for (let k = 0; k < near.data.length; k++) near.data[k] = 0.2 * near.data[k] + (Math.floor(k / d) === k % d ? 1 : 0)
  return {
    kind: 'linear-memory',
    base: { id: 'test/model', dimensions: d, normalized: false },
    training: { tool: 'test', date: '', data: {}, options: {}, metrics: {} },
    params: {
      W: near,
      b: matrix(
        1,
        outputs,
        randomMatrix(1, outputs, 2).data.map(x => 0.1 * x),
      ),
      keys: randomUnitRows(n, d, 3),
      values: randomUnitRows(n, outputs, 4),
      gate: encodeGate(gate),
    },
  }
}

/** norm(W q + b) + beta g sum_i softmax_i(kappa u . k_i) v_i, written a second time, in double precision. */
function expected({ params: { W, b, keys, values, gate } }: Adapter, q: Float32Array): Float64Array {
  const { beta, kappa, z0, mu, sigma } = decodeGate(gate)
  const dots = (m: Matrix, v: ArrayLike<number>) =>
    Array.from({ length: m.rows }, (_, i) => row(m, i).reduce((sum, x, j) => sum + x * v[j], 0))
  const mapped = dots(W, q).map((x, i) => x + b.data[i])
  const cosines = dots(keys, q).map(x => x / norm(q))
  const s = Math.max(...cosines)
  const weights = cosines.map(c => Math.exp(kappa * (c - s)))
  const total = weights.reduce((x, y) => x + y, 0)
  const g = 1 / (1 + Math.exp(-1.5 * ((s - mu) / sigma - z0)))
  return Float64Array.from(mapped, (x, j) => {
    const recalled = weights.reduce((sum, w, i) => sum + (w / total) * values.data[i * values.cols + j], 0)
    return x / norm(mapped) + beta * g * recalled
  })
}

describe('a linear map with a memory', () => {
  test('is worked out by hand for one remembered query', () => {
    const params = {
      W: matrix(2, 2, Float32Array.of(1, 0, 0, 2)),
      b: matrix(1, 2),
      keys: matrix(1, 2, Float32Array.of(0, 1)),
      values: matrix(1, 2, Float32Array.of(-1, 0)),
      // z = (1 - 0.5) / 0.25 = 2 = z0: the gate is half open.
      gate: encodeGate({ beta: 0.5, kappa: 40, z0: 2, mu: 0.5, sigma: 0.25 }),
    }
    const out = applyAdapter({ ...adapterOf(2, 1), params }, [0, 7])
    expect([...out]).toEqual([-0.25, 1])
  })

  test.each([
    [1, 1, 1],
    [5, 3, 5],
    [16, 40, 16],
    [33, 257, 33],
    [24, 50, 7],
  ])('of %d dimensions and %d queries agrees with double precision, to %d dimensions, on every engine', async (d, n, outputs) => {
    const adapter = adapterOf(d, n, GATE, outputs)
    validateAdapter(adapter)
    const queries = randomMatrix(20, d, 5)
    // As in use: some are near a remembered query.
    for (let i = 0; i < 10; i++) {
      const key = row(adapter.params.keys, i % n)
      for (let j = 0; j < d; j++) queries.data[i * d + j] = 3 * key[j] + 0.1 * queries.data[i * d + j]
    }
    const want = Float32Array.from(Array.from({ length: queries.rows }, (_, i) => [...expected(adapter, row(queries, i))]).flat())
    expectClose(applyAdapter(adapter, queries).data, want, 1e-5, 'compiled')
    const plain = matrix(queries.rows, outputs)
    for (let i = 0; i < queries.rows; i++) {
      adapterMap('linear-memory').apply(adapter.params, row(queries, i), row(plain, i))
    }
    expectClose(plain.data, want, 1e-6, 'plain')
    const cpu = await createCpuEngine()
    for (const engine of [createJsEngine(), cpu]) {
      const before = queries.data.slice()
      expectClose((await applyAdapterOn(engine, adapter, queries)).data, want, 1e-5, engine.name)
      expect(queries.data).toEqual(before)
    }
    cpu.dispose()
  })

  test('works through more remembered queries than fit in one block of scores, and more queries than one', async () => {
    const adapter = adapterOf(4, 9000)
    const queries = randomMatrix(1030, 4, 5)
    const engine = await createCpuEngine()
    const found = await applyAdapterOn(engine, adapter, queries)
    engine.dispose()
    for (const i of [0, 500, 1023, 1024, 1029]) {
      expectClose(row(found, i), Float32Array.from(expected(adapter, row(queries, i))), 1e-5, `query ${i}`)
    }
  })

  test('remembers the direction of a query, whatever its length', () => {
    const { params, ...rest } = adapterOf(8, 20)
    const adapter = { ...rest, params: { ...params, b: matrix(1, 8) } }
    const q = randomMatrix(1, 8, 7).data
    const long = applyAdapter(
      adapter,
      q.map(x => 1000 * x),
    )
    expectClose(long, applyAdapter(adapter, q), 1e-5, 'longer query')
  })

  test('is finite where nothing can be told: the zero vector, keys that are all as far apart, a closed gate', () => {
    const same = adapterOf(4, 3, { ...GATE, sigma: 0 })
    const closed = adapterOf(4, 3, { ...GATE, z0: 1e6 })
    for (const q of [new Float32Array(4), Float32Array.of(1, 0, 0, 0), row(same.params.keys, 1)]) {
      for (const adapter of [same, closed]) for (const x of applyAdapter(adapter, q)) expect(Number.isFinite(x)).toBe(true)
    }
    const { keys: _k, values: _v, gate: _g, ...linear } = closed.params
    const q = randomMatrix(1, 4, 9).data
    const mapped = applyAdapter({ ...closed, kind: 'linear', params: linear }, q)
    const length = norm(mapped)
    expectClose(
      applyAdapter(closed, q),
      mapped.map(x => x / length),
      1e-6,
      'closed gate',
    )
  })
})

describe('the weight of the memory', () => {
  test('is half of beta at z0, nearly beta above and nearly nothing below', () => {
    const gate = { beta: 0.8, z0: -1, mu: 0.6, sigma: 0.1 }
    expect(memoryWeight(gate, 0.5)).toBeCloseTo(0.4, 12)
    expect(memoryWeight(gate, 0.6)).toBeCloseTo(0.8 / (1 + Math.exp(-1.5)), 12)
    expect(memoryWeight(gate, 1.2)).toBeCloseTo(0.8, 4)
    expect(memoryWeight(gate, -0.2)).toBeLessThan(1e-4)
    expect(memoryWeight(gate, Number.NEGATIVE_INFINITY)).toBe(0)
  })

  test('survives its row in the file', () => {
    const gate = { beta: 0.5, kappa: 40, z0: -1, mu: 0.75, sigma: 0.125 }
    expect(decodeGate(encodeGate(gate))).toEqual(gate)
  })
})

describe('the file of a linear-memory adapter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'linear-memory-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('holds it exactly, and its hash tells memories apart', () => {
    const adapter = adapterOf(6, 11)
    const path = join(folder, 'a.json')
    saveAdapter(adapter, path)
    const loaded = loadAdapter(path)
    expect(loaded).toEqual(adapter)
    expect(adapterHash(loaded)).toBe(adapterHash(adapter))
    const others = [
      { ...adapter, params: { ...adapter.params, gate: encodeGate({ ...GATE, beta: 1 }) } },
      { ...adapter, params: { ...adapter.params, values: adapter.params.keys } },
      adapterOf(6, 12),
    ]
    expect(new Set([adapter, ...others].map(adapterHash)).size).toBe(4)
  })

  test('wraps an embedder', async () => {
    const adapter = adapterOf(3, 4)
    const path = join(folder, 'w.json')
    saveAdapter(adapter, path)
    const embedder = {
      embedQuery: async (text: string) => [text.length, 1, 0],
      embedDocuments: async (texts: string[]) => texts.map(() => [1, 2, 3]),
    }
    const wrapped = wrapEmbedder(embedder, path)
    expect(await wrapped.embedQuery('four')).toEqual([...applyAdapter(adapter, [4, 1, 0])])
    expect(await wrapped.embedDocuments(['x'])).toEqual([[1, 2, 3]])
  })

  test.each([
    ['keys', 'parameter "keys" of the linear-memory adapter is missing'],
    ['values', 'parameter "values" of the linear-memory adapter is missing'],
    ['gate', 'parameter "gate" of the linear-memory adapter is missing'],
  ])('is refused without %s', (name, message) => {
    const adapter = adapterOf(3, 4)
    const params = Object.fromEntries(Object.entries(adapter.params).filter(([key]) => key !== name))
    expect(() => validateAdapter({ ...adapter, params })).toThrow(message)
  })

  test('is refused with more keys than values', () => {
    const adapter = adapterOf(3, 4)
    const params = { ...adapter.params, keys: randomUnitRows(5, 3, 1) }
    expect(() => validateAdapter({ ...adapter, params })).toThrow(/"values" is 4 x 3, but .* needs 5 x 3/)
  })
})

test('is a kind of map but none that is trained by steps: what is trained for it is linear', () => {
  expect(ADAPTER_KIND_NAMES).toContain('linear-memory')
  expect(adapterMap('linear-memory').name).toBe('linear-memory')
  expect(trainedKind('linear-memory').name).toBe('linear')
  expect(() => adapterKind('linear-memory')).toThrow(expect.objectContaining({ code: 'ADAPTER_FORMAT' }))
})

import { describe, expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { decodeAdapter, encodeAdapter } from '../../src/adapters/file.js'
import { safetensors } from '../../src/convert/formats/safetensors.js'
import { matrix } from '../../src/math/matrix.js'
import { SAMPLE_KINDS, sampleAdapter, sampleQueries } from '../helpers/sample-adapter.js'
import { BUNDLE_TEXT, importBundle } from './bundle.js'

const runtime = await importBundle()

const bits = (vectors: readonly Float32Array[]) => vectors.map(v => [...new Uint32Array(v.buffer, v.byteOffset, v.length)])

function expectClose(found: readonly Float32Array[], expected: readonly Float32Array[]): void {
  expect(found).toHaveLength(expected.length)
  found.forEach((vector, i) => {
    expect(vector).toHaveLength(expected[i].length)
    vector.forEach((value, j) => {
      expect(Math.abs(value - expected[i][j])).toBeLessThan(2e-6)
    })
  })
}

/** The bundle does without the kernel of the memory: that kind agrees to rounding, every other bit for bit. */
function expectSame(kind: string, found: readonly Float32Array[], expected: readonly Float32Array[]): void {
  if (kind === 'linear-memory') expectClose(found, expected)
  else expect(bits(found)).toEqual(bits(expected))
}

describe('the runtime bundle', () => {
  test('is smaller than 10,000 bytes', () => {
    expect(Buffer.byteLength(BUNDLE_TEXT)).toBeLessThan(10_000)
  })

  test('imports nothing and names nothing that only Node has', () => {
    expect(BUNDLE_TEXT).not.toMatch(/\bimport\b|\brequire\b|node:|\bprocess\b|\bBuffer\b|\b__dirname\b/)
  })

  test('reduces the vectors of a composed model, if they are given whole', async () => {
    const pca = {
      shape: [6, 9] as const,
      data: Buffer.from(Float32Array.from({ length: 54 }, (_, i) => Math.sin(i)).buffer).toString('base64'),
    }
    const sample = sampleAdapter('linear', 6)
    const base = { ...sample.base, provider: { name: 'compose', pca } }
    const text = encodeAdapter({ ...sample, base } as typeof sample)
    const adapter = await runtime.loadAdapter(text)
    const [whole] = sampleQueries(1, 9)
    const reduced = whole.slice(0, 6).map((_, i) => whole.reduce((sum, x, j) => sum + x * Math.sin(9 * i + j), 0))
    expectClose([runtime.adaptQuery(adapter, whole)], [applyAdapter(sample, reduced)])
    expectSame('linear', [runtime.adaptQuery(adapter, whole)], [applyAdapter(decodeAdapter(text), whole)])
    expect(() => runtime.adaptQuery(adapter, whole.slice(1))).toThrow(/8 dimensions/)
  })

  test('leaves training out', () => {
    expect(BUNDLE_TEXT).not.toMatch(/forward|backward|gemm|anchor:|description/)
  })

  test('exports loadAdapter, applyAdapter and adaptQuery', () => {
    expect(Object.keys(runtime).sort()).toEqual(['adaptQuery', 'applyAdapter', 'loadAdapter'])
  })
})

describe.each(SAMPLE_KINDS)('a %s adapter', kind => {
  const adapter = sampleAdapter(kind, 37)
  const queries = sampleQueries(20, 37)
  const text = encodeAdapter(adapter)
  const expected = applyAdapter(adapter, queries)

  test('gives the same bits as in the package, from text, object, bytes and buffers of JSON and safetensors', async () => {
    const json = new TextEncoder().encode(text)
    const binary = safetensors.encode(adapter, 'F32') as Uint8Array
    const inside = new Uint8Array(binary.length + 5)
    inside.set(binary, 5)
    const sources = [text, JSON.parse(text), json, json.buffer, Buffer.from(text), binary, inside.subarray(5)]
    for (const source of [...sources, binary.slice().buffer, new DataView(json.buffer)]) {
      const loaded = await runtime.loadAdapter(source)
      expect(loaded).toEqual(adapter)
      expectSame(kind, runtime.applyAdapter(loaded, queries), expected)
    }
  })

  test('in float16 is the same in both, from JSON and safetensors', async () => {
    const half = encodeAdapter(adapter, 'F16')
    const inNode = decodeAdapter(half)
    for (const source of [half, safetensors.encode(adapter, 'F16') as Uint8Array]) {
      const loaded = await runtime.loadAdapter(source)
      expect(loaded).toEqual(inNode)
      expectSame(kind, runtime.applyAdapter(loaded, queries), applyAdapter(inNode, queries))
    }
  })

  test('without WebAssembly agrees with sums in double precision', async () => {
    const { WebAssembly } = globalThis as { WebAssembly?: unknown }
    try {
      delete (globalThis as { WebAssembly?: unknown }).WebAssembly
      expectClose(runtime.applyAdapter(await runtime.loadAdapter(text), queries), applyAdapter(adapter, queries))
    } finally {
      ;(globalThis as { WebAssembly?: unknown }).WebAssembly = WebAssembly
    }
  })
})

describe('adaptQuery', () => {
  const adapter = sampleAdapter('linear', 6)
  const query = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]

  test('gives a plain array for a plain array and a typed one for a typed one, the same as applyAdapter', () => {
    const plain = runtime.adaptQuery(adapter, query)
    expect(Array.isArray(plain)).toBe(true)
    expect(plain).toEqual([...applyAdapter(adapter, query)])
    expect(runtime.adaptQuery(adapter, Float32Array.from(query))).toEqual(applyAdapter(adapter, query))
  })

  test('scales to length 1 when asked', () => {
    expect(Math.hypot(...runtime.adaptQuery(adapter, query, { normalize: true }))).toBeCloseTo(1, 6)
    expect(Math.hypot(...runtime.adaptQuery(adapter, query))).not.toBeCloseTo(1, 3)
  })

  test('refuses a vector of another length or with a value that is not finite', () => {
    expect(() => runtime.adaptQuery(adapter, [1, 2])).toThrow(/has 2 dimensions, but the adapter was trained for 6/)
    expect(() => runtime.adaptQuery(adapter, [1, 2, Number.NaN, 4, 5, 6])).toThrow(/holds NaN/)
  })
})

describe('loadAdapter refuses', () => {
  const adapter = sampleAdapter('linear', 3)
  const text = encodeAdapter(adapter)
  const broken = (change: (file: ReturnType<typeof JSON.parse>) => void): unknown => {
    const file = JSON.parse(text)
    change(file)
    return file
  }
  const binary = safetensors.encode(adapter, 'F32') as Uint8Array
  const flipped = binary.slice()
  flipped[flipped.length - 1] ^= 1

  test.each<[string, unknown, string, RegExp]>([
    ['nothing', undefined, 'ADAPTER_FORMAT', /JSON object/],
    ['null', null, 'ADAPTER_FORMAT', /JSON object/],
    ['a path', './adapter.json', 'ADAPTER_FORMAT', /not an adapter file/],
    ['no bytes', new Uint8Array(), 'ADAPTER_FORMAT', /not an adapter file/],
    ['an error page', '<!doctype html>', 'ADAPTER_FORMAT', /not an adapter file/],
    ['another format', broken(f => (f.format = 'adapter-train/9')), 'ADAPTER_FORMAT', /"adapter-train\/9"/],
    ['an unknown kind', broken(f => (f.kind = 'cubic')), 'ADAPTER_FORMAT', /kind "cubic"/],
    ['no base', broken(f => delete f.base), 'ADAPTER_FORMAT', /"base"/],
    ['no base64', broken(f => (f.params.W.data = '*')), 'ADAPTER_CORRUPT', /"W": .*base64/],
    ['a wrong length', broken(f => (f.params.W.shape = [9, 9])), 'ADAPTER_CORRUPT', /"W": 36 bytes/],
    ['a wrong shape', broken(f => (f.params.W.shape = [1, 9])), 'ADAPTER_FORMAT', /"W" is 1 x 9/],
    ['a wrong checksum', broken(f => (f.params.b.data = 'AAAAAAAAAAAAAAAA')), 'ADAPTER_CORRUPT', /"b": checksum/],
    ['a flipped bit in safetensors', flipped, 'ADAPTER_CORRUPT', /checksum/],
    ['safetensors cut short', binary.subarray(0, -4), 'ADAPTER_CORRUPT', /"b": 8 bytes/],
    ['safetensors of another program', otherSafetensors(), 'ADAPTER_FORMAT', /format "pt"/],
  ])('%s', async (_, source, code, message) => {
    const error = await refusal(runtime.loadAdapter(source as string))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('a weight that is not finite, although the checksum fits', async () => {
    const W = matrix(3, 3, Float32Array.of(1, 0, 0, 0, Number.NaN, 0, 0, 0, 1))
    const text = encodeAdapter({ ...adapter, params: { ...adapter.params, W } })
    const error = await refusal(runtime.loadAdapter(text))
    expect(error).toMatchObject({ code: 'ADAPTER_CORRUPT', message: expect.stringMatching(/parameter "W" holds NaN$/) })
  })
})

/** The bundle has its own class of errors. */
const refusal = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('expected a refusal'),
    error => error,
  )

function otherSafetensors(): Uint8Array {
  const header = '{"__metadata__":{"format":"pt"}}'
  return Uint8Array.from([header.length, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from(header)])
}

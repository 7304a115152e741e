import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { adapterHash, decodeAdapter, encodeAdapter, loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { convertAdapter, readAnyAdapter } from '../../src/convert/convert-adapter.js'
import { FORMAT_NAMES, type FormatName } from '../../src/convert/formats/index.js'
import { fromFloat16Bits, toFloat16Bits } from '../../src/math/bytes.js'
import { fromRows, matrix, norm } from '../../src/math/matrix.js'
import { project } from '../../src/math/projection.js'
import { exportFormatContract } from '../contracts/export-format.js'
import { expectRejection } from '../helpers/rejection.js'
import { SAMPLE_KINDS, sampleAdapter, sampleQueries } from '../helpers/sample-adapter.js'

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adapter-convert-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name = '') => join(folder, `${files++}${name}`)

function saved(adapter: Adapter): string {
  const file = path('.json')
  saveAdapter(adapter, file)
  return file
}

/** Converts there and back. */
async function roundTrip(adapter: Adapter, format: FormatName, dtype?: 'F16'): Promise<Adapter> {
  const [there, back] = [path(), path('.json')]
  await convertAdapter(saved(adapter), there, { format, dtype })
  await convertAdapter(there, back)
  return loadAdapter(back)
}

/** Formats that are read back; a card describes. */
const READ = FORMAT_NAMES.filter(name => name !== 'card')

for (const name of READ) await exportFormatContract(name)

const EXACT: FormatName[] = ['json', 'safetensors', 'npy']

/** The kinds that have a graph. */
const ONNX_KINDS = ['linear', 'low-rank', 'diagonal', 'residual-mlp', 'linear-memory']

test.each(SAMPLE_KINDS.flatMap(kind => EXACT.map(format => [kind, format] as const)))(
  'a %s adapter as %s and back is the same file, byte for byte',
  async (kind, format) => {
    const adapter = sampleAdapter(kind, 10)
    expect(encodeAdapter(await roundTrip(adapter, format))).toBe(encodeAdapter(adapter))
  },
)

describe.each(ONNX_KINDS)('a %s adapter', kind => {
  test('as onnx gives what applyAdapter gives, to 1e-6 of the length, one query or several', async () => {
    for (const [d, count] of [
      [1, 3],
      [10, 1],
      [64, 7],
      [384, 20],
    ]) {
      const adapter = sampleAdapter(kind, d)
      const out = path('.onnx')
      await convertAdapter(saved(adapter), out)
      const session = await InferenceSession.create(readFileSync(out), { logSeverityLevel: 3 })
      expect(session.inputNames).toEqual(['embedding'])
      expect(session.inputMetadata[0]).toMatchObject({ shape: ['batch', d] })
      const queries = sampleQueries(count, d)
      const { adapted } = await session.run({ embedding: new Tensor('float32', fromRows(queries).data, [count, d]) })
      expect(adapted.dims).toEqual([count, d])
      applyAdapter(adapter, queries).forEach((expected, i) => {
        const found = (adapted.data as Float32Array).subarray(i * d, (i + 1) * d)
        expect(norm(found.map((x, j) => x - expected[j])) / norm(expected)).toBeLessThan(1e-6)
      })
    }
  })
})

describe.each<FormatName>(['sentence-transformers', 'llamaindex'])('%s', format => {
  test('and back is the same file for a linear adapter', async () => {
    const adapter = sampleAdapter('linear', 10)
    expect(encodeAdapter(await roundTrip(adapter, format))).toBe(encodeAdapter(adapter))
  })

  test.each(['low-rank', 'diagonal'])('holds a %s adapter as one matrix that gives the same to 1e-6', async kind => {
    const adapter = sampleAdapter(kind, 48)
    const back = await roundTrip(adapter, format)
    expect(back.kind).toBe('linear')
    const queries = sampleQueries(10, 48)
    applyAdapter(back, queries).forEach((found, i) => {
      const expected = applyAdapter(adapter, queries[i])
      expect(norm(found.map((x, j) => x - expected[j])) / norm(expected)).toBeLessThan(1e-6)
    })
  })

  test('refuses a kind that is not affine, says why and what to use, and writes nothing', async () => {
    const out = path()
    await expectRejection(
      convertAdapter(saved(sampleAdapter('linear-memory')), out, { format }),
      'CONVERT_UNSUPPORTED',
      /linear-memory.*not affine.*onnx/,
    )
    expect(readdirSync(folder)).not.toContain(out)
  })
})

test('llamaindex holds a residual-mlp adapter as TwoLayerNN with its whole residual part', async () => {
  const adapter = sampleAdapter('residual-mlp', 10)
  expect(encodeAdapter(await roundTrip(adapter, 'llamaindex'))).toBe(encodeAdapter(adapter))
})

test('sentence-transformers refuses a residual-mlp adapter', async () => {
  const conversion = convertAdapter(saved(sampleAdapter('residual-mlp')), path(), { format: 'sentence-transformers' })
  await expectRejection(conversion, 'CONVERT_UNSUPPORTED')
})

test('a chain through every format gives back the same file', async () => {
  const adapter = sampleAdapter('linear', 9)
  let at = saved(adapter)
  for (const format of [...READ.filter(name => name !== 'f16-json'), 'json' as const]) {
    const next = path()
    const report = await convertAdapter(at, next, { format })
    expect(report).toMatchObject({ to: format, sha256: adapterHash(adapter) })
    at = next
  }
  expect(readFileSync(at, 'utf8')).toBe(encodeAdapter(adapter))
})

describe('float16', () => {
  test('is rounded to the nearest, ties to even, over the whole range', () => {
    const cases: [number, number][] = [
      [0, 0],
      [-0, 0x8000],
      [1, 0x3c00],
      [-2, 0xc000],
      [65504, 0x7bff],
      [65519.99, 0x7bff],
      [65520, 0x7c00],
      [2 ** -24, 1],
      [2 ** -25, 0],
      [2 ** -25 * 1.0001, 1],
      [2 ** -14, 0x0400],
      [2 ** -14 - 2 ** -25, 0x0400],
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
      [0.1, 0x2e66],
      [1 / 3, 0x3555],
      [Number.POSITIVE_INFINITY, 0x7c00],
    ]
    for (const [value, bits] of cases) expect(toFloat16Bits(value), String(value)).toBe(bits)
    expect(fromFloat16Bits(toFloat16Bits(Number.NaN))).toBeNaN()
  })

  test('comes back from every one of its 65,536 bit patterns', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromFloat16Bits(bits)
      if (!Number.isNaN(value)) expect(toFloat16Bits(value)).toBe(bits)
    }
  })

  test('costs less than 1e-6 of cosine, and the report says how much', async () => {
    for (const kind of SAMPLE_KINDS) {
      const { worstCosineError } = await convertAdapter(saved(sampleAdapter(kind, 256)), path(), { format: 'f16-json' })
      expect(worstCosineError).toBeGreaterThan(0)
      expect(worstCosineError).toBeLessThan(1e-6)
    }
  })

  test('refuses a weight that it cannot hold, and writes nothing', async () => {
    const adapter = sampleAdapter('linear', 3)
    const W = matrix(3, 3, Float32Array.of(1, 0, 0, 0, 1, -70000, 0, 0, 1))
    const out = path()
    await expectRejection(
      convertAdapter(saved({ ...adapter, params: { ...adapter.params, W } }), out, { format: 'f16-json' }),
      'ADAPTER_FORMAT',
      /"W" at row 1, column 2 is -70000/,
    )
    expect(readdirSync(folder)).not.toContain(out)
  })

  test('is half as long as float32 in the file', () => {
    const adapter = sampleAdapter('linear', 200)
    expect(encodeAdapter(adapter, 'F16').length / encodeAdapter(adapter).length).toBeCloseTo(0.5, 1)
    expect(decodeAdapter(encodeAdapter(adapter, 'F16')).params.W.data).toHaveLength(40000)
  })
})

describe('a conversion', () => {
  const adapter = sampleAdapter('linear', 4)

  test('takes the format from the ending of the name', async () => {
    for (const [ending, to] of [
      ['.json', 'json'],
      ['.safetensors', 'safetensors'],
      ['.onnx', 'onnx'],
    ]) {
      expect(await convertAdapter(saved(adapter), path(ending))).toMatchObject({ from: 'json', to })
    }
    await expectRejection(convertAdapter(saved(adapter), path('.bin')), 'USAGE', /--format, one of json, .*llamaindex/)
  })

  test('refuses a number type that the format does not have', async () => {
    await expectRejection(
      convertAdapter(saved(adapter), path('.onnx'), { dtype: 'F16' }),
      'USAGE',
      /onnx expected F32, found F16.*safetensors/,
    )
  })

  test('asks for the base of vectors that do not name it, and takes it', async () => {
    const there = path()
    await convertAdapter(saved(adapter), there, { format: 'npy' })
    rmSync(join(there, 'adapter-train.json'))
    await expectRejection(convertAdapter(there, path('.json')), 'USAGE', /--base-id/)
    const back = path('.json')
    await convertAdapter(there, back, { baseId: 'openai/x' })
    expect(loadAdapter(back)).toMatchObject({
      kind: 'linear',
      base: { id: 'openai/x', dimensions: 4 },
      params: adapter.params,
    })
  })

  test('refuses a base and a kind that contradict the file', async () => {
    const file = saved(adapter)
    await expectRejection(convertAdapter(file, path('.json'), { baseId: 'x' }), 'USAGE')
    await expectRejection(convertAdapter(file, path('.json'), { kind: 'diagonal' }), 'USAGE')
  })

  test('refuses what is no adapter', async () => {
    const [text, empty, strange] = [path('.txt'), path(), path()]
    writeFileSync(text, 'hello')
    mkdirSync(empty)
    mkdirSync(strange)
    writeFileSync(join(strange, 'a.csv'), '')
    for (const [input, code, message] of [
      [text, 'ADAPTER_FORMAT', /not an adapter in a supported format; expected one of json/],
      [empty, 'ADAPTER_FORMAT', /nothing in it/],
      [strange, 'ADAPTER_FORMAT', /a\.csv/],
      [path('none'), 'FILE_NOT_FOUND', /does not exist/],
    ] as const) {
      await expectRejection(readAnyAdapter(input), code, message)
    }
  })

  test('reads arrays that NumPy saved: W alone, and float64 by columns', async () => {
    const alone = path('.npy')
    const header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }".padEnd(117) + '\n'
    const values = Buffer.from(Float64Array.of(1, 3, 2, 4).buffer)
    writeFileSync(alone, Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(header), values]))
    const { adapter } = await readAnyAdapter(alone, { baseId: 'x' })
    expect([...adapter.params.W.data]).toEqual([1, 2, 3, 4])
    expect([...adapter.params.b.data]).toEqual([0, 0])
  })
})

describe('an adapter that gives fewer dimensions than it takes', () => {
  const whole = sampleAdapter('linear', 8)
  const W = matrix(5, 8, whole.params.W.data.slice(0, 40))
  const adapter: Adapter = { ...whole, params: { W, b: matrix(1, 5, whole.params.b.data.slice(0, 5)) } }

  test.each<FormatName>([...EXACT, 'onnx', 'sentence-transformers'])('is the same as %s and back', async format => {
    expect(encodeAdapter(await roundTrip(adapter, format))).toBe(encodeAdapter(adapter))
  })

  test('gives them from onnx, too', async () => {
    const out = path('.onnx')
    await convertAdapter(saved(adapter), out)
    const session = await InferenceSession.create(readFileSync(out))
    const [query] = sampleQueries(1, 8)
    const { adapted } = await session.run({ embedding: new Tensor('float32', query, [1, 8]) })
    expect(adapted.dims).toEqual([1, 5])
    const expected = applyAdapter(adapter, query)
    ;(adapted.data as Float32Array).forEach((x, i) => {
      expect(Math.abs(x - expected[i])).toBeLessThan(1e-6)
    })
  })

  test('is refused by llamaindex, whose layers are square', async () => {
    await expectRejection(convertAdapter(saved(adapter), path(), { format: 'llamaindex' }), 'CONVERT_UNSUPPORTED', /8 to 5/)
  })
})

describe('an adapter of a composed model that is reduced', () => {
  const pca = {
    shape: [8, 14] as const,
    data: Buffer.from(Float32Array.from({ length: 112 }, (_, i) => Math.sin(7 * i)).buffer).toString('base64'),
  }
  const reduced = (kind: string): Adapter => ({
    ...sampleAdapter(kind, 8),
    base: { id: 'compose/a+b@8?pca=01234567', dimensions: 8, normalized: false, provider: { name: 'custom', pca } },
  })

  test.each(['linear', 'low-rank', 'diagonal', 'residual-mlp'])('takes whole vectors from onnx: %s', async kind => {
    const adapter = reduced(kind)
    const out = path('.onnx')
    await convertAdapter(saved(adapter), out)
    const session = await InferenceSession.create(readFileSync(out), { logSeverityLevel: 3 })
    const [whole] = sampleQueries(1, 14)
    const { adapted } = await session.run({ embedding: new Tensor('float32', whole, [1, 14]) })
    const expected = applyAdapter(adapter, project(pca, whole))
    for (const found of [adapted.data as Float32Array, applyAdapter(adapter, whole)]) {
      found.forEach((x, i) => {
        expect(x).toBeCloseTo(expected[i], 5)
      })
    }
    const back = await convertAdapter(out, path('.json'))
    expect(back.adapter).toMatchObject({
      base: { id: 'compose/a+b', dimensions: 14, provider: { name: 'custom' } },
      index: { id: adapter.base.id, dimensions: 8, metric: 'cosine' },
    })
  })

  test('keeps its projection in safetensors, and has no place for it where there is no matrix', async () => {
    const adapter = reduced('linear')
    expect(encodeAdapter(await roundTrip(adapter, 'safetensors'))).toBe(encodeAdapter(adapter))
    await expectRejection(
      convertAdapter(saved(reduced('linear-memory')), path('.onnx')),
      'CONVERT_UNSUPPORTED',
      /linear-memory adapter is not affine, so it cannot be written as onnx/,
    )
  })
})

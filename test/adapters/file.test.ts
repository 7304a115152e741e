import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { adapterHash, decodeAdapter, encodeAdapter, loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { type ErrorCode, isAdapterTrainError } from '../../src/errors.js'
import { matrix } from '../../src/math/matrix.js'
import { randomMatrix } from '../contracts/engine/support.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adapter-file-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

// Values whose bits a detour over decimal digits or another byte order would change.
const W = Float32Array.of(0.1, -0, 1e-45, 3.4028234663852886e38, Math.PI, 2 ** -126, 1 / 3, -1, 16777217)
const b = Float32Array.of(-1e-30, 0, 123456.789)

const adapter: Adapter = {
  kind: 'linear',
  base: { id: 'openai/text-embedding-3-small@3', dimensions: 3, normalized: true },
  training: {
    tool: 'adapter-train 0.1.0',
    date: '2024-05-06T07:08:09.000Z',
    data: { queries: 7, name: 'Fragen & "Antworten" — café' },
    options: { epochs: 4 },
    metrics: { adapted: { 'ndcg@10': 0.5 } },
  },
  params: { W: matrix(3, 3, W), b: matrix(1, 3, b) },
}

const bits = (values: Float32Array) => [...new Uint32Array(values.buffer, values.byteOffset, values.length)]
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('an adapter file', () => {
  test('gives back every bit of every weight and all facts', () => {
    const path = join(folder, 'deep', 'er', 'adapter.json')
    saveAdapter(adapter, path)
    const loaded = loadAdapter(path)
    expect(loaded).toEqual(adapter)
    expect(bits(loaded.params.W.data)).toEqual(bits(W))
    expect(bits(loaded.params.b.data)).toEqual(bits(b))
  })

  test('is JSON that other programs can read: little-endian float32, row-major, in base64', () => {
    const { params, ...rest } = JSON.parse(encodeAdapter(adapter))
    expect(rest).toEqual({
      format: 'adapter-train/1',
      kind: 'linear',
      base: { id: 'openai/text-embedding-3-small@3', dimensions: 3, normalized: true },
      training: adapter.training,
    })
    expect(Object.keys(params)).toEqual(['W', 'b'])
    for (const [name, shape, values] of [
      ['W', [3, 3], W],
      ['b', [3], b],
    ] as const) {
      const bytes = Buffer.from(params[name].data, 'base64')
      expect(params[name]).toEqual({ dtype: 'F32', shape, sha256: sha256(bytes), data: bytes.toString('base64') })
      expect(bytes).toHaveLength(4 * values.length)
      values.forEach((value, i) => {
        expect(Object.is(bytes.readFloatLE(4 * i), value), `${name}[${i}]`).toBe(true)
      })
    }
  })

  test('stands for 1 in four bytes as 00 00 80 3f', () => {
    const one = { ...adapter, base: { ...adapter.base, dimensions: 1 } }
    const text = encodeAdapter({ ...one, params: { W: matrix(1, 1, Float32Array.of(1)), b: matrix(1, 1) } })
    expect(JSON.parse(text).params).toMatchObject({ W: { shape: [1], data: 'AACAPw==' }, b: { data: 'AAAAAA==' } })
    expect(decodeAdapter(text).params.W).toEqual(matrix(1, 1, Float32Array.of(1)))
  })

  test('is the same text for the same adapter, and ends with a line feed', () => {
    const copy = structuredClone(adapter)
    expect(encodeAdapter(copy)).toBe(encodeAdapter(adapter))
    expect(encodeAdapter(decodeAdapter(encodeAdapter(adapter)))).toBe(encodeAdapter(adapter))
    expect(encodeAdapter(adapter)).toMatch(/}\n$/)
  })

  test('of a view holds the view, not the buffer that it lies in', () => {
    const buffer = Float32Array.of(9, ...b, 9)
    const view = { ...adapter, params: { ...adapter.params, b: matrix(1, 3, buffer.subarray(1, 4)) } }
    expect(encodeAdapter(view)).toBe(encodeAdapter(adapter))
  })

  test('is replaced as a whole when it is there already', () => {
    const path = join(folder, 'replaced.json')
    writeFileSync(path, 'x'.repeat(1e5))
    saveAdapter(adapter, path)
    expect(readFileSync(path, 'utf8')).toBe(encodeAdapter(adapter))
  })
})

describe('loadAdapter refuses', () => {
  // biome-ignore lint/suspicious/noExplicitAny: the tests write files that break the format in every way
  type Json = any

  function expectRefusal(content: string, code: ErrorCode, message: string | RegExp): void {
    const path = join(folder, 'broken.json')
    writeFileSync(path, content)
    const error = thrownBy(() => loadAdapter(path))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(error.message).toContain(path)
  }

  test.each([
    ['an empty file', ''],
    ['text', 'hello'],
    ['a file that was cut off', encodeAdapter(adapter).slice(0, 300)],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '7'],
    ['an object of another program', '{"name": "adapter-train", "version": "1.0.0"}'],
  ])('%s', (_, content) => {
    expectRefusal(content, 'ADAPTER_FORMAT', 'adapter file')
  })

  /** The file with W's bytes changed and, unless told otherwise, the checksum that fits them. */
  const withBytes = (change: (bytes: Buffer) => Buffer, checksum = true) => {
    return (file: Json) => {
      const bytes = change(Buffer.from(file.params.W.data, 'base64'))
      file.params.W.data = bytes.toString('base64')
      if (checksum) file.params.W.sha256 = sha256(bytes)
    }
  }
  const put = (value: number, at: number) =>
    withBytes(bytes => {
      bytes.writeFloatLE(value, 4 * at)
      return bytes
    })
  const flip = withBytes(bytes => {
    bytes[17] ^= 1
    return bytes
  }, false)

  test.each<[string, ErrorCode, RegExp, (file: Json) => void]>([
    [
      'a later format',
      'ADAPTER_FORMAT',
      /"adapter-train\/3".*reads "adapter-train\/1" and "adapter-train\/2"/,
      f => (f.format = 'adapter-train/3'),
    ],
    ['a format that is no text', 'ADAPTER_FORMAT', /has format 1/, f => (f.format = 1)],
    ['an unknown kind', 'ADAPTER_FORMAT', /no adapter kind "cubic".*linear/, f => (f.kind = 'cubic')],
    ['a kind that is no text', 'ADAPTER_FORMAT', /"kind" must be a string/, f => (f.kind = null)],
    ['no base', 'ADAPTER_FORMAT', /"base" must be/, f => delete f.base],
    ['a base without id', 'ADAPTER_FORMAT', /"base" must be/, f => delete f.base.id],
    ['dimensions that are none', 'ADAPTER_FORMAT', /"base" must be/, f => (f.base.dimensions = 2.5)],
    ['no word on normalisation', 'ADAPTER_FORMAT', /"base" must be/, f => delete f.base.normalized],
    ['no training facts', 'ADAPTER_FORMAT', /"training" must be/, f => delete f.training],
    ['no parameters', 'ADAPTER_FORMAT', /"params" must be/, f => (f.params = [])],
    ['a missing parameter', 'ADAPTER_FORMAT', /"b" of the linear adapter is missing/, f => delete f.params.b],
    ['a parameter too many', 'ADAPTER_FORMAT', /has no parameter "U"/, f => (f.params.U = f.params.b)],
    ['a parameter that is no object', 'ADAPTER_FORMAT', /"W": expected an object/, f => (f.params.W = 'AAAA')],
    ['another type of number', 'ADAPTER_FORMAT', /"W": has dtype "I8", expected "F32" or "F16"/, f => (f.params.W.dtype = 'I8')],
    ['a shape that is none', 'ADAPTER_FORMAT', /"W": "shape" must be/, f => (f.params.W.shape = [3, 3, 1])],
    ['an empty shape', 'ADAPTER_FORMAT', /"W": "shape" must be/, f => (f.params.W.shape = [])],
    ['weights that are no text', 'ADAPTER_FORMAT', /"W": "data" and "sha256" must be/, f => (f.params.W.data = [1])],
    ['weights without a checksum', 'ADAPTER_FORMAT', /"data" and "sha256" must be/, f => delete f.params.W.sha256],
    ['the shape of other dimensions', 'ADAPTER_FORMAT', /"W" is 3 x 3.* 4 dimensions needs \d x 4/, f => (f.base.dimensions = 4)],
    ['W as a vector', 'ADAPTER_FORMAT', /"W" is 1 x 9/, f => (f.params.W.shape = [9])],
    ['a shape far larger than the data', 'ADAPTER_CORRUPT', /36 bytes.*needs/, f => (f.params.W.shape = [1e6, 1e6])],
    [
      'weights that were cut off',
      'ADAPTER_CORRUPT',
      /"W": 33 bytes.*needs 36/,
      f => (f.params.W.data = f.params.W.data.slice(0, -4)),
    ],
    ['weights with something added', 'ADAPTER_CORRUPT', /"W": 39 bytes.*needs 36/, f => (f.params.W.data += 'AAAA')],
    ['a flipped bit', 'ADAPTER_CORRUPT', /"W": checksum .* does not match/, flip],
    ['a weight that is NaN', 'ADAPTER_CORRUPT', /"W" holds NaN at row 1, column 2/, put(Number.NaN, 5)],
    ['an infinite weight', 'ADAPTER_CORRUPT', /"W" holds -Infinity at row 2, column 0/, put(-1 / 0, 6)],
  ])('%s', (_, code, message, change) => {
    const file = JSON.parse(encodeAdapter(adapter))
    change(file)
    expectRefusal(JSON.stringify(file), code, message)
  })

  test('a file that is not there, and a folder', () => {
    const missing = join(folder, 'no-such-file.json')
    expect(thrownBy(() => loadAdapter(missing))).toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: `adapter file ${missing}: there is no such file`,
    })
    expect(thrownBy(() => loadAdapter(folder))).toMatchObject({
      code: 'FILE_READ',
      message: expect.stringContaining(folder),
    })
  })
})

describe('saveAdapter', () => {
  test('leaves nothing behind where it cannot write, and names the file', () => {
    const home = join(folder, 'unwritable')
    mkdirSync(join(home, 'taken'), { recursive: true })
    writeFileSync(join(home, 'file'), 'kept')
    for (const path of [join(home, 'taken'), join(home, 'file', 'adapter.json')]) {
      const error = thrownBy(() => saveAdapter(adapter, path))
      expect(error.code).toBe('FILE_WRITE')
      expect(error.message).toContain(path)
    }
    expect(readdirSync(home, { recursive: true }).sort()).toEqual(['file', 'taken'])
    expect(readFileSync(join(home, 'file'), 'utf8')).toBe('kept')
  })

  test('writes nothing of an adapter that could not be loaded', () => {
    const path = join(folder, 'invalid.json')
    const params = { ...adapter.params, b: matrix(1, 3, Float32Array.of(0, Number.NaN, 0)) }
    expect(thrownBy(() => saveAdapter({ ...adapter, params }, path)).code).toBe('ADAPTER_CORRUPT')
    expect(thrownBy(() => saveAdapter({ ...adapter, params: {} }, path)).code).toBe('ADAPTER_FORMAT')
    expect(existsSync(path)).toBe(false)
  })
})

describe('adapterHash', () => {
  test('follows from kind, base and weights, not from the facts of training or the order of parameters', () => {
    const hash = adapterHash(adapter)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    const { params } = adapter
    const same = { ...adapter, training: { ...adapter.training, tool: 'x' }, params: { b: params.b, W: params.W } }
    expect(adapterHash(same)).toBe(hash)
    const others: Adapter[] = [
      { ...adapter, kind: 'other' },
      { ...adapter, base: { ...adapter.base, id: 'other' } },
      { ...adapter, params: { ...params, W: randomMatrix(3, 3, 1) } },
      { ...adapter, params: { ...params, b: matrix(1, 3) } },
    ]
    expect(new Set([hash, ...others.map(adapterHash)]).size).toBe(5)
  })
})

function thrownBy(run: () => unknown) {
  try {
    run()
  } catch (error) {
    if (isAdapterTrainError(error)) return error
    throw error
  }
  return expect.fail('expected an error')
}

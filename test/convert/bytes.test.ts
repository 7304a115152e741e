import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { convertAdapter, readAnyAdapter } from '../../src/convert/convert-adapter.js'
import type { FormatName } from '../../src/convert/formats/index.js'
import { matrix } from '../../src/math/matrix.js'
import { pythonWith, runPython } from '../helpers/python.js'
import { expectRejection, rejection } from '../helpers/rejection.js'

const adapter: Adapter = {
  kind: 'linear',
  base: { id: 'a/b', dimensions: 2, normalized: true },
  training: { tool: 't', date: '2024-01-01T00:00:00.000Z', data: { é: '"' }, options: {}, metrics: {} },
  params: { W: matrix(2, 2, Float32Array.of(1, -2, 0.5, 3)), b: matrix(1, 2, Float32Array.of(0, -0.25)) },
}
const W_BYTES = Buffer.from('0000803f000000c00000003f00004040', 'hex')
const B_BYTES = Buffer.from('00000000000080be', 'hex')
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adapter-bytes-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function converted(format: FormatName, dtype?: 'F16'): Promise<string> {
  const source = join(folder, 'source.json')
  saveAdapter(adapter, source)
  const out = join(folder, String(count++))
  await convertAdapter(source, out, { format, dtype })
  return out
}

/** A safetensors file by its specification: header length, header filled up with blanks, tensors. */
function safetensorsFile(header: string, ...tensors: readonly Uint8Array[]): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)))
  return Buffer.concat([length, Buffer.from(header), ...tensors])
}

describe('a safetensors file', () => {
  test('is what the specification says, byte for byte', async () => {
    const { base, training } = adapter
    const header = JSON.stringify({
      __metadata__: {
        format: 'adapter-train/1',
        kind: 'linear',
        base: JSON.stringify(base),
        training: JSON.stringify(training),
        sha256: JSON.stringify({ W: sha256(W_BYTES), b: sha256(B_BYTES) }),
      },
      W: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
      b: { dtype: 'F32', shape: [2], data_offsets: [16, 24] },
    })
    const padded = header + ' '.repeat((8 - (Buffer.byteLength(header) % 8)) % 8)
    const found = readFileSync(await converted('safetensors'))
    expect(found.toString('latin1')).toBe(safetensorsFile(padded, W_BYTES, B_BYTES).toString('latin1'))
    expect(found.readUInt8(8)).toBe(0x7b)
    expect(found.readBigUInt64LE() % 8n).toBe(0n)
  })

  test('in float16 has two bytes a weight', async () => {
    const found = readFileSync(await converted('safetensors', 'F16'))
    expect(found.subarray(-12).toString('hex')).toBe('003c00c00038004200000' + '0b4')
    const header = JSON.parse(found.subarray(8, 8 + Number(found.readBigUInt64LE())).toString())
    expect(header.W).toEqual({ dtype: 'F16', shape: [2, 2], data_offsets: [0, 8] })
  })

  test('of another program is read, its tensors in any order and of any floating-point type', async () => {
    const header =
      '{"linear.bias":{"dtype":"F64","shape":[2],"data_offsets":[8,24]},"linear.weight":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}'
    const values = [Buffer.from('803f00c0003f4040', 'hex'), Buffer.from(Float64Array.of(0, -0.25).buffer)]
    const path = join(folder, 'other.safetensors')
    writeFileSync(path, safetensorsFile(header, ...values))
    const read = await readAnyAdapter(path, { baseId: 'a/b' })
    expect(read.adapter.params).toEqual(adapter.params)
  })

  const tensor = (from: number, to: number, shape = '[2,2]') => `{"dtype":"F32","shape":${shape},"data_offsets":[${from},${to}]}`
  test.each<[string, Buffer, string, RegExp]>([
    [
      'an overlap',
      safetensorsFile(`{"weight":${tensor(0, 16)},"bias":${tensor(8, 16, '[2]')}}`, W_BYTES),
      'ADAPTER_CORRUPT',
      /do not fill/,
    ],
    ['a gap', safetensorsFile(`{"weight":${tensor(8, 24)}}`, B_BYTES, W_BYTES), 'ADAPTER_CORRUPT', /do not fill/],
    ['a rest', safetensorsFile(`{"weight":${tensor(0, 16)}}`, W_BYTES, B_BYTES), 'ADAPTER_CORRUPT', /do not fill/],
    [
      'an end before its beginning',
      safetensorsFile(`{"weight":${tensor(16, 0)}}`, W_BYTES),
      'ADAPTER_FORMAT',
      /"data_offsets" must be/,
    ],
    [
      'less data than its shape',
      safetensorsFile(`{"weight":${tensor(0, 16, '[2,3]')}}`, W_BYTES),
      'ADAPTER_CORRUPT',
      /beyond its 16/,
    ],
    ['a broken header', safetensorsFile('{"weight":'), 'ADAPTER_FORMAT', /its header is not JSON/],
    ['a tensor that is none', safetensorsFile('{"weight":1}'), 'ADAPTER_FORMAT', /"weight": expected an object/],
    ['no tensors', safetensorsFile('{}'), 'ADAPTER_FORMAT', /holds the tensors \(none\)/],
    [
      'integers',
      safetensorsFile('{"weight":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}', W_BYTES),
      'ADAPTER_FORMAT',
      /I32/,
    ],
    ['a name from the prototype', safetensorsFile(`{"__proto__":${tensor(0, 16)}}`, W_BYTES), 'ADAPTER_FORMAT', /__proto__/],
  ])('with %s is refused', async (_, bytes, code, message) => {
    const path = join(folder, 'broken.safetensors')
    writeFileSync(path, bytes)
    await expectRejection(readAnyAdapter(path, { baseId: 'x' }), code, message)
  })

  test('with a flipped bit of a weight is refused', async () => {
    const path = await converted('safetensors')
    const bytes = readFileSync(path)
    bytes[bytes.length - 1] ^= 1
    writeFileSync(path, bytes)
    await expectRejection(readAnyAdapter(path), 'ADAPTER_CORRUPT', /"b": checksum/)
  })
})

describe('a .npy file', () => {
  test('has the header of version 1.0, byte for byte, for a matrix and for a vector', async () => {
    const out = await converted('npy')
    for (const [name, shape, values] of [
      ['W', '(2, 2)', W_BYTES],
      ['b', '(2,)', B_BYTES],
    ] as const) {
      const fields = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`
      const prefix = Buffer.from('934e554d50590100' + '7600', 'hex')
      const expected = Buffer.concat([prefix, Buffer.from(`${fields.padEnd(117)}\n`), values])
      const found = readFileSync(join(out, `${name}.npy`))
      expect(found.toString('latin1')).toBe(expected.toString('latin1'))
      expect((found.length - values.length) % 64).toBe(0)
    }
  })

  const python = pythonWith('numpy')
  test.skipIf(python === undefined)('is loaded by NumPy', async () => {
    const program =
      "import numpy, sys; print(numpy.load(sys.argv[1] + '/W.npy').tolist(), numpy.load(sys.argv[1] + '/b.npy').tolist())"
    expect(runPython(python as string, program, [await converted('npy')])).toBe('[[1.0, -2.0], [0.5, 3.0]] [0.0, -0.25]\n')
  })
})

test('the Dense module says what Sentence Transformers reads: sizes, bias and no activation', async () => {
  const out = await converted('sentence-transformers')
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toEqual({
    in_features: 2,
    out_features: 2,
    bias: true,
    activation_function: 'torch.nn.modules.linear.Identity',
  })
  const weights = readFileSync(join(out, 'model.safetensors'))
  const header = JSON.parse(weights.subarray(8, 8 + Number(weights.readBigUInt64LE())).toString())
  expect(header).toEqual({
    __metadata__: { format: 'pt' },
    'linear.weight': { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
    'linear.bias': { dtype: 'F32', shape: [2], data_offsets: [16, 24] },
  })
  expect(readFileSync(join(out, 'README.md'), 'utf8')).toMatch(/queries\*\* of a\/b only[\s\S]*models\.Dense/)
  writeFileSync(join(out, 'config.json'), '{"activation_function":"torch.nn.modules.activation.Tanh"}')
  await expectRejection(readAnyAdapter(out), 'ADAPTER_FORMAT', /Tanh/)
})

test('the folder for LlamaIndex says what LinearLayer takes', async () => {
  const out = await converted('llamaindex')
  const config = join(out, 'config.json')
  expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({ in_features: 2, out_features: 2, bias: true })
})

test('a broken ONNX model is refused at any length', async () => {
  const whole = readFileSync(await converted('onnx'))
  for (let length = 17; length < whole.length; length += 13) {
    const path = join(folder, 'cut.onnx')
    writeFileSync(path, whole.subarray(0, length))
    const error = await rejection(readAnyAdapter(path))
    expect(error.code, `${length} bytes: ${error.message}`).toMatch(/^(ADAPTER_|USAGE)/)
  }
})

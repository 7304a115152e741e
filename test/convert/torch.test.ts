import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveAdapter } from '../../src/adapters/file.js'
import { convertAdapter, readAnyAdapter } from '../../src/convert/convert-adapter.js'
import { decodeTorchFile, encodeTorchFile } from '../../src/convert/torch/file.js'
import { pickleStateDict } from '../../src/convert/torch/unpickle.js'
import { encodeZip } from '../../src/convert/torch/zip.js'
import { matrix } from '../../src/math/matrix.js'
import { pythonWith, runPython } from '../helpers/python.js'
import { rejection } from '../helpers/rejection.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

interface Fixture {
  weight: number[]
  bias: number[]
  files: Record<string, string>
  refused: Record<string, string>
}
const fixture: Fixture = JSON.parse(readFileSync(new URL('../fixtures/torch-state-dicts.json', import.meta.url), 'utf8'))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adapter-torch-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

describe('a state dict that PyTorch saved', () => {
  test.each(Object.entries(fixture.files))('%s is read with every value', async (_, base64) => {
    const path = file('model.bin', Buffer.from(base64, 'base64'))
    const { from, adapter } = await readAnyAdapter(path, { baseId: 'x' })
    expect(from).toBe('llamaindex')
    expect([...adapter.params.W.data]).toEqual(fixture.weight)
    expect([...adapter.params.b.data]).toEqual(fixture.bias)
  })

  test.each<[string, string, RegExp]>([
    ['legacy', 'ADAPTER_FORMAT', /PyTorch before 1\.6/],
    ['module', 'ADAPTER_FORMAT', /asks for "torch\.nn\.modules\.linear\.Linear", which is not executed/],
    ['evil', 'ADAPTER_FORMAT', /asks for "posix\.system", which is not executed/],
    ['integers', 'ADAPTER_FORMAT', /asks for "torch\.LongStorage"/],
    ['list', 'ADAPTER_FORMAT', /opcode|not a state dict/],
    ['nested', 'ADAPTER_FORMAT', /"state_dict" that is not a tensor/],
    ['number', 'ADAPTER_FORMAT', /"epoch" that is not a tensor/],
    ['conv', 'ADAPTER_FORMAT', /shape \[2, 2, 2\]/],
    ['other', 'ADAPTER_FORMAT', /holds the tensors fc\.weight; expected linear\.weight/],
  ])('%s is refused', async (name, code, message) => {
    const path = file('model.bin', Buffer.from(fixture.refused[name], 'base64'))
    const error = await rejection(readAnyAdapter(path, { baseId: 'x' }))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(error.message).toContain(path)
    expect(existsSync('/tmp/adapter-train-was-here')).toBe(false)
  })

  test('cut off or changed at any place is refused as such, never read and never a crash', async () => {
    const whole = Buffer.from(fixture.files['a module'], 'base64')
    for (let length = 0; length < whole.length; length += 37) {
      const error = await rejection(readAnyAdapter(file('cut.bin', whole.subarray(0, length)), { baseId: 'x' }))
      expect(error.code).toMatch(/^ADAPTER_/)
    }
    for (let at = 0; at < whole.length; at += 11) {
      const changed = Buffer.from(whole)
      changed[at] ^= 0x55
      try {
        const { adapter } = await readAnyAdapter(file('changed.bin', changed), { baseId: 'x' })
        expect([...adapter.params.W.data], `byte ${at}`).toEqual(fixture.weight)
      } catch (error) {
        expect(String((error as { code?: string }).code), `byte ${at}: ${error}`).toMatch(/^ADAPTER_/)
      }
    }
  })
})

describe('a pickle made by hand', () => {
  const zipped = (pickle: Buffer, values = Buffer.alloc(16)) =>
    encodeZip(
      new Map([
        ['a/data.pkl', pickle],
        ['a/data/0', values],
      ]),
    )
  const plain = Buffer.from(pickleStateDict(new Map([['weight', { key: '0', shape: [2, 2] }]])))
  const changed = (from: string, to: string) => Buffer.from(plain.toString('latin1').replace(from, to), 'latin1')

  test('is read where it is right', () => {
    expect(decodeTorchFile(zipped(plain), 'x').get('weight')).toEqual(matrix(2, 2))
  })

  test.each<[string, Uint8Array, RegExp]>([
    ['another opcode', zipped(changed('\x89', 'P')), /opcode 0x50/],
    ['a global of another module', zipped(changed('_rebuild_tensor_v2', '_rebuild_device_v9')), /not executed/],
    ['builtins', zipped(changed('collections\nOrderedDict', 'builtins\neval')), /"builtins\.eval", which is not executed/],
    ['a storage that is missing', encodeZip(new Map([['a/data.pkl', plain]])), /values of "weight" are missing/],
    ['a storage that is too short', zipped(plain, Buffer.alloc(12)), /reaches beyond its 12 bytes/],
    ['a shape beyond all memory', zipped(changed('J\x02\0\0\0J', 'J\xff\xff\xff\x7fJ')), /beyond/],
    ['a negative size', zipped(changed('J\x02\0\0\0J', 'J\xff\xff\xff\xffJ')), /call that a state dict does not make/],
    ['no end', zipped(plain.subarray(0, -1)), /pickle is broken/],
    ['nothing', zipped(Buffer.alloc(0)), /pickle is broken/],
    ['no pickle', encodeZip(new Map([['a/x', plain]])), /without data\.pkl/],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => decodeTorchFile(bytes, 'x')).toThrow(message)
  })
})

describe('a file for PyTorch', () => {
  const tensors = new Map([
    ['linear.weight', matrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, 6))],
    ['linear.bias', matrix(1, 2, Float32Array.of(-1, 0.5))],
  ])
  const bytes = Buffer.from(encodeTorchFile(tensors))

  test('is an archive of stored files with right checksums, its values aligned to 64 bytes', () => {
    const names: string[] = []
    for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
      const [method, sum, size] = [bytes.readUInt16LE(at + 8), bytes.readUInt32LE(at + 14), bytes.readUInt32LE(at + 18)]
      const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28)
      expect([method, start % 64, crc32(bytes.subarray(start, start + size))]).toEqual([0, 0, sum])
      names.push(bytes.toString('utf8', at + 30, at + 30 + bytes.readUInt16LE(at + 26)))
      at = start + size
    }
    const parts = ['data.pkl', 'byteorder', 'data/0', 'data/1', 'version']
    expect(names).toEqual(parts.map(name => `pytorch_model/${name}`))
    expect(bytes.readUInt32LE(bytes.length - 22)).toBe(0x06054b50)
  })

  test('names only what a loader of weights allows, and is the same every time', () => {
    const globals = [...bytes.toString('latin1').matchAll(/c([a-z_.]+)\n(\w+)\n/g)].map(([, ...name]) => name.join('.'))
    expect([...new Set(globals)].sort()).toEqual([
      'collections.OrderedDict',
      'torch.FloatStorage',
      'torch._utils._rebuild_tensor_v2',
    ])
    expect(Buffer.from(encodeTorchFile(tensors)).equals(bytes)).toBe(true)
    expect(decodeTorchFile(bytes, 'x')).toEqual(tensors)
  })

  const python = pythonWith('torch')
  test.skipIf(python === undefined)('is loaded by PyTorch with weights_only=True, and computes the same there', async () => {
    for (const kind of ['linear', 'residual-mlp']) {
      const adapter = sampleAdapter(kind, 8)
      const [source, out] = [join(folder, `${kind}.json`), join(folder, kind)]
      saveAdapter(adapter, source)
      await convertAdapter(source, out, { format: 'llamaindex' })
      const printed = JSON.parse(runPython(python as string, LOAD, [out]))
      const { W = adapter.params.W1, b = adapter.params.b1 } = adapter.params
      expect(printed.type).toBe('OrderedDict')
      expect(printed.weight).toEqual([...W.data])
      expect(printed.bias).toEqual([...b.data])
      expect(printed.config).toMatchObject({ in_features: 8, out_features: 8, bias: true })
    }
  })
})

const LOAD = `
import json, sys, torch
state = torch.load(sys.argv[1] + '/pytorch_model.bin', map_location=torch.device('cpu'), weights_only=True)
name = 'linear' if 'linear.weight' in state else 'linear1'
weight = state[name + '.weight']
module = torch.nn.Linear(weight.shape[1], weight.shape[0])
module.load_state_dict({'weight': weight, 'bias': state[name + '.bias']})
print(json.dumps({
    'type': type(state).__name__,
    'weight': weight.flatten().tolist(),
    'bias': module.bias.tolist(),
    'config': json.load(open(sys.argv[1] + '/config.json')),
}))
`

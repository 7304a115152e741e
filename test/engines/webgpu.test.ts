import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DescribedEngine } from '../../src/engines/engine.js'
import { isSoftware } from '../../src/engines/webgpu/device.js'
import { createWebGpuEngine } from '../../src/engines/webgpu/engine.js'
import { isAdapterTrainError, messageOf } from '../../src/errors.js'
import { matrix } from '../../src/math/matrix.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { engineContract } from '../contracts/engine.js'
import { gemmTests } from './webgpu/gemm.js'
import { processTests } from './webgpu/process.js'

const REQUIRED = process.env.ADAPTER_TRAIN_REQUIRE_WEBGPU === '1'
const create = () => createWebGpuEngine({ allowSoftware: true })

const missing = await create().then(
  engine => engine.dispose(),
  (error: unknown) => {
    if (isAdapterTrainError(error, 'ENGINE_UNAVAILABLE')) return error.message
    throw error
  },
)

if (missing && !REQUIRED) {
  test.skip(`webgpu engine: not tested, as ${missing}; see scripts/install-swiftshader.sh`, () => {})
} else {
  engineContract('webgpu', create)
  describe('webgpu', engineTests)
  describe('webgpu products', gemmTests)
  describe('webgpu in a process of its own', processTests)
}

describe('webgpu adapters', () => {
  test.each([
    [{ vendor: 'google', architecture: 'swiftshader' }, true],
    [{ vendor: 'mesa', device: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, true],
    [{ description: 'Microsoft Basic Render Driver' }, true],
    [{ vendor: 'unheard-of', isFallbackAdapter: true }, true],
    [{ vendor: 'nvidia', architecture: 'hopper', device: 'nvidia-h200', isFallbackAdapter: false }, false],
    [{ vendor: 'apple', architecture: 'common-3', description: 'Metal driver' }, false],
    [{}, false],
  ])('%j computes on the CPU: %s', (info, expected) => expect(isSoftware(info)).toBe(expected))
})

function engineTests(): void {
  let engine: DescribedEngine
  beforeAll(async () => {
    engine = await create()
  })
  afterAll(() => engine?.dispose())

  const code = (error: unknown) => (isAdapterTrainError(error) ? error.code : messageOf(error))
  const failure = (promise: Promise<unknown>) => promise.then(() => 'no error', code)

  test('names its adapter', () => {
    expect(engine.name).toBe('webgpu')
    expect(engine.description).toMatch(/^\S.* \(.*(Vulkan|Metal|Direct3D 12)\)$/)
  })

  test('takes a software adapter only on request', async ctx => {
    if (!/swiftshader|llvmpipe/i.test(engine.description)) ctx.skip('this machine has a GPU')
    await expect(createWebGpuEngine()).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(/computes on the CPU.*--engine cpu.*--engine-device software/s),
    })
    for (const device of ['software', 'SwiftShader']) {
      const other = await createWebGpuEngine({ device })
      expect(other.description).toBe(engine.description)
      other.dispose()
    }
  })

  test('names the adapters that are there when none has the name that is asked for', async () => {
    await expect(createWebGpuEngine({ device: 'Voodoo 2' })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(/no adapter "Voodoo 2" on this machine; expected part of one of ".+"/),
    })
  })

  test('refuses a matrix that no shader can address, and goes on', async () => {
    expect(() => engine.alloc(1_000_000, 1_000_000)).toThrow(
      expect.objectContaining({ code: 'ENGINE_MEMORY', message: expect.stringMatching(/1000000 x 1000000.* MB/) }),
    )
    const t = engine.alloc(1, 2)
    expect(await engine.read(t)).toEqual(new Float32Array(2))
    engine.free(t)
  })

  test('gives the event loop a turn at every sync', async () => {
    for (let round = 0; round < 3; round++) {
      let turned = false
      setImmediate(() => {
        turned = true
      })
      await engine.sync()
      expect(turned).toBe(true)
    }
  })

  test('reports the use of freed memory at the next read or sync, and from then on', async () => {
    const broken = await create()
    const t = broken.alloc(2, 2)
    broken.free(t)
    broken.fill(t, 1)
    expect(await failure(broken.sync())).toBe('ENGINE_UNAVAILABLE')
    expect(await failure(broken.read(broken.alloc(1, 1)))).toBe('ENGINE_UNAVAILABLE')
    broken.dispose()
  })

  test('rejects what is still waiting when it is disposed of, and what comes after', async () => {
    const other = await create()
    const t = other.upload(randomMatrix(3, 3, 1))
    const waiting = failure(other.read(t))
    other.dispose()
    expect(await waiting).toBe('ENGINE_UNAVAILABLE')
    expect(await failure(other.read(t))).toBe('ENGINE_UNAVAILABLE')
    expect(await failure(other.sync())).toBe('ENGINE_UNAVAILABLE')
  })

  test('keeps a tensor until the operations before its free are done', async () => {
    const out = engine.alloc(4, 4)
    for (let round = 1; round <= 300; round++) {
      const t = engine.alloc(4, 4)
      engine.fill(t, round)
      engine.gatherRows(t, Uint32Array.of(0, 1, 2, 3), round % 2 ? out : engine.view(out, 0, 4))
      engine.free(t)
    }
    expect(await engine.read(out)).toEqual(new Float32Array(16).fill(300))
    engine.free(out)
  })

  test('gives freed memory back', async () => {
    const before = process.memoryUsage.rss()
    for (let round = 0; round < 12; round++) {
      const t = engine.alloc(4_000_000, 4)
      engine.fill(engine.view(t, 0, 1), round)
      await engine.sync()
      engine.free(t)
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(6 * 64e6)
  })

  test('orders hundreds of operations with index data of their own, each changed after the call', async () => {
    const source = engine.upload(matrix(8, 1, Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7)))
    const [row, sum] = [engine.alloc(1, 1), engine.alloc(1, 1)]
    const picked = Uint32Array.of(0)
    let expected = 0
    for (let k = 0; k < 700; k++) {
      picked[0] = (k * 5) % 8
      engine.gatherRows(source, picked, row)
      engine.addSum(row, sum)
      expected += picked[0]
    }
    picked[0] = 0
    expect(await engine.read(sum)).toEqual(Float32Array.of(expected))
  })

  test('takes more index data than its buffer holds at first', async () => {
    const source = engine.upload(matrix(3, 1, Float32Array.of(5, 6, 7)))
    for (const count of [1000, 700_000, 10]) {
      const rows = Uint32Array.from({ length: count }, (_, i) => i % 3)
      const out = engine.alloc(count, 1)
      engine.gatherRows(source, rows, out)
      expect((await engine.read(out)).every((value, i) => value === 5 + (i % 3))).toBe(true)
      engine.free(out)
    }
  })

  test('covers more elements than one dimension of a dispatch', async () => {
    const t = engine.alloc(65_536 * 4 + 1, 64)
    engine.fill(t, 2)
    const sum = engine.alloc(1, 1)
    engine.squaredNorm(t, sum, false)
    expect(await engine.read(sum)).toEqual(Float32Array.of(4 * t.rows * t.cols))
    expect(await engine.read(engine.view(t, t.rows - 1, 1))).toEqual(new Float32Array(64).fill(2))
    engine.free(t)
  })

  test('sums many values without losing the small ones', async () => {
    const x = engine.alloc(1000, 1000)
    engine.fill(x, 0.1)
    const sum = engine.alloc(1, 1)
    engine.addSum(x, sum)
    expect((await engine.read(sum))[0] / 100_000).toBeCloseTo(1, 6)
    engine.free(x)
  })

  test('does nothing for an empty batch', async () => {
    const [x, out, norms] = [engine.alloc(0, 4), engine.alloc(0, 4), engine.alloc(0, 1)]
    engine.gatherRows(x, new Uint32Array(0), out)
    engine.normalizeRows(x, out, norms)
    engine.gemm(x, engine.alloc(4, 4), out)
    engine.fill(out, 1)
    expect(await engine.read(out)).toEqual(new Float32Array(0))
    const total = engine.upload(matrix(1, 1, Float32Array.of(3)))
    engine.addSum(x, total)
    expect(await engine.read(total)).toEqual(Float32Array.of(3))
    engine.squaredNorm(x, total, false)
    expect(await engine.read(total)).toEqual(Float32Array.of(0))
  })
}

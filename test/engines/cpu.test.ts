import { describe, expect, test } from 'vitest'
import { createHeap } from '../../src/engines/cpu/heap.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import type { Engine } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { identity, matrix } from '../../src/math/matrix.js'
import { garbage, randomMatrix, randomUnitRows, sparse } from '../contracts/engine/support.js'
import { engineContract } from '../contracts/engine.js'

engineContract('cpu', () => createCpuEngine())
engineContract('cpu without onnxruntime', () => createCpuEngine({ onnxruntime: false }))
engineContract('cpu without WebAssembly', () => createCpuEngine({ wasm: false }), { tolerance: 2e-5 })
engineContract('cpu with tensors inside and outside linear memory', () => createCpuEngine({ outsideBytes: 200 }), {
  tolerance: 2e-5,
})
engineContract('cpu without onnxruntime, with tensors outside', () => createCpuEngine({ onnxruntime: false, outsideBytes: 200 }))

/** W after a few steps whose products are large enough for onnxruntime and its threads. */
async function train(e: Engine, steps: number): Promise<Float32Array> {
  const [B, d] = [96, 160]
  const queries = e.upload(randomUnitRows(200, d, 1))
  const docs = e.upload(randomUnitRows(200, d, 2))
  const [W, dW, m, v] = [e.upload(identity(d)), e.alloc(d, d), e.alloc(d, d), e.alloc(d, d)]
  const [Q, D, Z, dZ] = [e.alloc(B, d), e.alloc(B, d), e.alloc(B, d), e.alloc(B, d)]
  const [S, norms, loss, squaredNorm] = [e.alloc(B, B), e.alloc(B, 1), e.alloc(B, 1), e.alloc(1, 1)]
  const targets = sparse(Array.from({ length: B }, (_, i) => [i]))
  for (let step = 1; step <= steps; step++) {
    const rows = Uint32Array.from({ length: B }, (_, i) => (i * 7 + step * 13) % 200)
    e.gatherRows(queries, rows, Q)
    e.gatherRows(docs, rows, D)
    e.gemm(Q, W, Z, { transposeB: true })
    e.normalizeRows(Z, Z, norms)
    e.gemm(Z, D, S, { transposeB: true })
    e.softmaxCrossEntropy(S, { targets, scale: 20, gradientScale: 1 / B }, loss)
    e.gemm(S, D, dZ)
    e.normalizeRowsBackward(Z, norms, dZ, dZ)
    e.gemm(dZ, Q, dW, { transposeA: true })
    e.squaredNorm(dW, squaredNorm, false)
    const rates = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, step, decay: 0.01, l2: 0 }
    e.adamw(W, dW, m, v, { ...rates, anchor: 'identity', clip: { squaredNorm, max: 1 } })
  }
  return e.read(W)
}

describe('createCpuEngine', () => {
  test('runs on onnxruntime and WebAssembly where they are installed, with the threads it is given', async () => {
    const e = await createCpuEngine({ threads: 2 })
    expect(e.description).toMatch(/^onnxruntime \d+\.\d+\.\d+, 2 threads; WebAssembly SIMD$/)
    e.dispose()
    expect((await createCpuEngine({ onnxruntime: false })).description).toBe('WebAssembly SIMD')
    expect((await createCpuEngine({ onnxruntime: false, wasm: false })).description).toBe('plain TypeScript')
  })

  test('agrees with the js engine over 20 steps at sizes that run in onnxruntime', async () => {
    const expected = await train(createJsEngine(), 20)
    for (const options of [{}, { onnxruntime: false }]) {
      const actual = await train(await createCpuEngine(options), 20)
      expect(Math.max(...actual.map((value, k) => Math.abs(value - expected[k])))).toBeLessThan(1e-4)
    }
  })

  test.each([1, 2, 3])('gives the same bytes in every run on %d threads', async threads => {
    const first = await train(await createCpuEngine({ threads }), 5)
    for (let run = 0; run < 3; run++) expect(await train(await createCpuEngine({ threads }), 5)).toEqual(first)
  })

  test('uses a matrix above the limit where it is, without a copy', async () => {
    const e = await createCpuEngine({ outsideBytes: 1000 })
    const large = randomMatrix(100, 10, 3)
    const t = e.upload(large)
    const out = garbage(e, 2, 10)
    e.gatherRows(t, Uint32Array.of(99, 0), out)
    expect(await e.read(out)).toEqual(Float32Array.of(...large.data.subarray(990), ...large.data.subarray(0, 10)))
    large.data[0] = 42
    expect((await e.read(t))[0]).toBe(42)
  })

  test('keeps tensors and their views valid while memory grows', async () => {
    const e = await createCpuEngine()
    const first = e.upload(matrix(2, 2, Float32Array.of(1, 2, 3, 4)))
    const view = e.view(first, 1, 1)
    expect(await e.read(view)).toEqual(Float32Array.of(3, 4))
    const more = Array.from({ length: 6 }, () => e.alloc(1024, 8192))
    for (const t of more) e.fill(t, 7)
    e.fill(view, 9)
    expect(await e.read(first)).toEqual(Float32Array.of(1, 2, 9, 9))
  })

  test('says how much memory is missing', async () => {
    const e = await createCpuEngine()
    expect(() => e.alloc(2 ** 20, 2 ** 20)).toThrow(
      expect.objectContaining({ code: 'ENGINE_MEMORY', message: expect.stringContaining('1048576 x 1048576') }),
    )
  })
})

describe('the exponential of the softmax kernels', () => {
  test('is within 2e-7 of Math.exp, 1 at 0 and 0 below the smallest normal number', async () => {
    const e = await createCpuEngine({ onnxruntime: false })
    const n = 50_001
    const x = Float32Array.from({ length: n }, (_, k) => (-90 * k) / (n - 1))
    const [top, sum, acc] = [e.alloc(1, 1), e.alloc(1, 1), e.alloc(1, 1)]
    const scores = e.upload(matrix(1, n, x))
    e.onlineSoftmax(scores, { scale: 1 }, top, sum, acc)
    const actual = await e.read(scores)
    const kept = [...x.keys()].filter(k => x[k] > -87.3)
    expect(Math.max(...kept.map(k => Math.abs(actual[k] / Math.exp(x[k]) - 1)))).toBeLessThan(2e-7)
    expect([actual[0], actual[n - 1]]).toEqual([1, 0])
  })
})

describe('the heap', () => {
  test('hands out blocks that do not overlap, and gives whole what was freed in parts', () => {
    const heap = createHeap()!
    const sizes = [1, 64, 65, 4096, 100_000, 3, 1_000_000]
    const blocks = sizes.map(bytes => ({ bytes, address: heap.allocate(bytes)! }))
    const sorted = [...blocks].sort((a, b) => a.address - b.address)
    sorted.forEach((block, i) => {
      expect(block.address % 64).toBe(0)
      if (i > 0) expect(block.address).toBeGreaterThanOrEqual(sorted[i - 1].address + sorted[i - 1].bytes)
    })
    expect(sorted[0].address).toBeGreaterThan(0)
    const size = heap.memory.buffer.byteLength
    for (const i of [3, 0, 5, 1, 6, 2, 4]) heap.release(blocks[i].address, blocks[i].bytes)
    expect(heap.allocate(size - sorted[0].address)).toBe(sorted[0].address)
    expect(heap.memory.buffer.byteLength).toBe(size)
  })

  test('reuses what was freed instead of growing', () => {
    const heap = createHeap()!
    heap.allocate(1000)
    heap.release(heap.allocate(50e6)!, 50e6)
    const size = heap.memory.buffer.byteLength
    for (let i = 0; i < 50; i++) heap.release(heap.allocate(50e6 - i)!, 50e6 - i)
    expect(heap.memory.buffer.byteLength).toBe(size)
  })

  test('is full at 4 GiB, and has room again after a release', () => {
    const heap = createHeap()!
    const bytes = 2 ** 30
    const blocks = [1, 2, 3].map(() => heap.allocate(bytes))
    expect(blocks.every(address => address !== undefined)).toBe(true)
    expect(heap.allocate(bytes)).toBeUndefined()
    heap.release(blocks[1]!, bytes)
    expect(heap.allocate(bytes)).toBe(blocks[1])
  })
})

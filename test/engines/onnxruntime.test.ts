import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import { createOnnxProducts } from '../../src/engines/cpu/onnxruntime.js'
import { matrix } from '../../src/math/matrix.js'

const BINDING = 'onnxruntime-node/dist/binding.js'

afterEach(() => {
  vi.doUnmock(BINDING)
})

describe('the private binding of onnxruntime-node', () => {
  test('is where this package expects it, and multiplies: when this fails, the binding has moved', async () => {
    const native = await import('onnxruntime-node/dist/binding.js')
    expect(Object.keys(native)).toEqual(expect.arrayContaining(['initOrt', 'binding']))
    const session = native.binding.InferenceSession.prototype
    for (const method of ['loadModel', 'run', 'dispose'] as const) expect(session[method]).toBeTypeOf('function')
    const products = await createOnnxProducts(1)
    expect(products?.description).toMatch(/^onnxruntime 1\.30\.\d+, 1 threads$/)
    const out = matrix(2, 1)
    products?.multiply(matrix(1, 2, Float32Array.of(1, 2)), matrix(1, 1, Float32Array.of(3)), out, true, false)
    expect([...out.data]).toEqual([3, 6])
    products?.dispose()
  })

  test('is pinned to patch releases, in the lock file too', () => {
    const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
    const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
    expect(optionalDependencies['onnxruntime-node']).toMatch(/^~\d+\.\d+\.\d+$/)
    expect(lock.packages[''].optionalDependencies['onnxruntime-node']).toBe(optionalDependencies['onnxruntime-node'])
  })

  test('is named in one file of src', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
    const users = files.filter(name => readFileSync(`src/${name}`, 'utf8').includes('onnxruntime-node/dist'))
    expect(users).toEqual(['engines/cpu/onnxruntime.ts'])
  })

  const session = (run: () => void) =>
    class {
      loadModel() {}
      dispose() {}
      run() {
        run()
      }
    }
  test.each<[string, () => object]>([
    [
      'cannot be imported',
      () => {
        throw new Error('Cannot find module')
      },
    ],
    ['has other exports', () => ({ start: () => {} })],
    ['has no session', () => ({ initOrt: () => {}, binding: {} })],
    [
      'does not run',
      () => ({
        initOrt: () => {},
        binding: {
          InferenceSession: session(() => {
            throw new Error('no')
          }),
        },
      }),
    ],
    ['leaves the result to be awaited', () => ({ initOrt: () => {}, binding: { InferenceSession: session(() => {}) } })],
  ])('that %s leaves the products to WebAssembly', async (_, moved) => {
    vi.doMock(BINDING, moved)
    const engine = await createCpuEngine()
    expect(engine.description).toBe('WebAssembly SIMD')
    const [a, b] = [matrix(1, 2, Float32Array.of(1, 2)), matrix(2, 1, Float32Array.of(3, 4))].map(m => engine.upload(m))
    const out = engine.alloc(1, 1)
    engine.gemm(a, b, out)
    expect(await engine.read(out)).toEqual(Float32Array.of(11))
    engine.dispose()
  })
})

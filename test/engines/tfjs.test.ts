import * as core from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTfjsEngine, type TfjsEngine } from '../../src/engines/tfjs/engine.js'
import { loadTfjs, probeTfjs } from '../../src/engines/tfjs/load.js'
import { isAdapterTrainError } from '../../src/errors.js'
import { matrix } from '../../src/math/matrix.js'
import { randomMatrix, sparse } from '../contracts/engine/support.js'
import { engineContract } from '../contracts/engine.js'

const warn = vi.spyOn(console, 'warn')

engineContract('tfjs', () => createTfjsEngine({ backend: 'cpu' }))

describe('tfjs engine memory', () => {
  let engine: TfjsEngine
  beforeAll(async () => {
    engine = await createTfjsEngine({ backend: 'cpu' })
  })
  afterAll(() => engine.dispose())

  const everything = () => {
    const e = engine
    const [x, y, W, m, v] = [e.alloc(4, 4), e.upload(randomMatrix(4, 4, 1)), e.alloc(4, 4), e.alloc(4, 4), e.alloc(4, 4)]
    const [norms, loss, top, sum, one] = [e.alloc(4, 1), e.alloc(4, 1), e.alloc(4, 1), e.alloc(4, 1), e.alloc(1, 1)]
    const [row, acc] = [e.alloc(1, 4), e.alloc(4, 4)]
    const targets = sparse([[0], [1, 2], [], [3]])
    const masked = sparse([[1], [], [2], []])
    const options = { targets, masked, offset: row, scale: 2, gradientScale: 1 }
    const rates = { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.1, l2: 0.1 }
    const step = (k: number) => {
      e.gatherRows(y, Uint32Array.of(3, 0), e.view(x, 1, 2))
      e.gemm(e.view(y, 0, 4), W, x, { alpha: 0.5, beta: 0.5, transposeB: true })
      e.multiply(x, row, x)
      e.relu(x, x)
      e.reluBackward(x, y, x)
      e.addRowVector(e.view(x, 0, 2), row)
      e.sumRows(x, row)
      e.normalizeRows(x, x, norms)
      e.normalizeRowsBackward(x, norms, y, x)
      e.softmaxCrossEntropy(x, options, loss)
      e.onlineSoftmax(x, options, top, sum, acc)
      e.finishSoftmax(x, y, options, top, sum, acc, loss)
      e.squaredNorm(x, one, true)
      e.addSum(loss, one)
      e.fill(e.view(x, 3, 1), 1)
      e.adamw(W, y, m, v, { ...rates, step: k, anchor: 'identity', clip: { squaredNorm: one, max: 1 } })
    }
    return { step, tensors: [x, y, W, m, v, norms, loss, top, sum, one, row, acc] }
  }

  test('does not grow from step to step', async () => {
    const { step, tensors } = everything()
    step(1)
    const before = core.memory()
    for (let k = 2; k <= 10; k++) {
      step(k)
      await engine.read(engine.view(tensors[0], 1, 2))
      await engine.sync()
    }
    expect(core.memory().numTensors).toBe(before.numTensors)
    expect(core.memory().numBytes).toBe(before.numBytes)
  })

  test('comes back with free, and all of it with dispose', async () => {
    const before = core.memory().numTensors
    const other = await createTfjsEngine({ backend: 'cpu' })
    const t = other.alloc(3, 3)
    other.alloc(2, 2)
    const [m, v] = [other.alloc(3, 3), other.alloc(3, 3)]
    const rates = { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.1, l2: 0 }
    other.adamw(t, m, m, v, { ...rates, step: 1, anchor: 'identity' })
    const held = core.memory().numTensors
    other.free(t)
    other.free(t)
    expect(core.memory().numTensors).toBe(held - 1)
    other.dispose()
    expect(core.memory().numTensors).toBe(before)
  })

  test('that runs out is reported as such, and the tensor keeps its values', async () => {
    const matMul = (() => {
      throw new Error('Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[2,2]')
    }) as unknown as typeof core.matMul
    let full = false
    const tf = { ...core, matMul: (...args: Parameters<typeof core.matMul>) => (full ? matMul : core.matMul)(...args) }
    const other = await createTfjsEngine({ tf })
    const t = other.upload(matrix(2, 2, Float32Array.of(1, 2, 3, 4)))
    full = true
    const error = (() => {
      try {
        other.gemm(t, t, t)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(isAdapterTrainError(error, 'ENGINE_MEMORY')).toBe(true)
    expect(String(error)).toMatch(/OOM when allocating tensor with shape\[2,2\].*batch size/s)
    expect([...(await other.read(t))]).toEqual([1, 2, 3, 4])
    other.dispose()
  })
})

describe('tfjs packages', () => {
  const GPU = '@tensorflow/tfjs-node-gpu'
  const NATIVE = '@tensorflow/tfjs-node'
  const withDevice = (isUsingGpuDevice: boolean) => ({ default: { ...core, backend: () => ({ isUsingGpuDevice }) } })
  /** Plays an installation: what each package's import gives or throws. */
  const installed = (packages: Record<string, unknown>) => async (name: string) => {
    const found = packages[name]
    if (found instanceof Error) throw found
    if (found) return found
    throw Object.assign(new Error(`Cannot find package '${name}' imported from x.js`), { code: 'ERR_MODULE_NOT_FOUND' })
  }

  test('are named in the error where none is installed', async () => {
    const error = await createTfjsEngine().catch(thrown => thrown)
    expect(isAdapterTrainError(error, 'ENGINE_UNAVAILABLE')).toBe(true)
    expect(error.message).toBe(`the tfjs engine needs ${GPU} or ${NATIVE}, which is not installed; run npm install ${GPU}`)
    expect(await probeTfjs()).toBeUndefined()
  })

  test('are looked for without a trace in the process where none is installed', async () => {
    const { TF_CPP_MIN_LOG_LEVEL, NVIDIA_TF32_OVERRIDE } = process.env
    await probeTfjs()
    expect(process.env.TF_CPP_MIN_LOG_LEVEL).toBe(TF_CPP_MIN_LOG_LEVEL)
    expect(process.env.NVIDIA_TF32_OVERRIDE).toBe(NVIDIA_TF32_OVERRIDE)
  })

  test('are taken in the order GPU, native', async () => {
    const both = installed({ [GPU]: withDevice(true), [NATIVE]: withDevice(false) })
    expect(await loadTfjs('auto', both)).toMatchObject({ package: GPU, gpu: true })
    expect(await loadTfjs('auto', installed({ [NATIVE]: withDevice(false) }))).toMatchObject({
      package: NATIVE,
      gpu: false,
    })
  })

  test('count as without a GPU where the GPU package sees none', async () => {
    const blind = installed({ [GPU]: withDevice(false) })
    expect(await loadTfjs('auto', blind)).toMatchObject({ package: GPU, gpu: false })
    await expect(loadTfjs('gpu', blind)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(/tfjs-node-gpu: .*sees no GPU; check the CUDA installation/),
    })
  })

  test('that are installed but broken are passed over, or named with the reason', async () => {
    const broken = new Error('The Node.js native addon module (tfjs_binding.node) can not be found')
    const half = installed({ [GPU]: broken, [NATIVE]: withDevice(false) })
    expect(await loadTfjs('auto', half)).toMatchObject({ package: NATIVE })
    await expect(loadTfjs('auto', installed({ [GPU]: broken }))).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: `the tfjs engine cannot start: ${GPU}: ${broken.message}`,
      cause: broken,
    })
  })

  test('of which a part is missing do not count as not installed', async () => {
    const broken = Object.assign(new Error(`Cannot find module 'node-pre-gyp'\nRequire stack:\n- ${NATIVE}/index.js`), {
      code: 'MODULE_NOT_FOUND',
    })
    await expect(loadTfjs('auto', installed({ [NATIVE]: broken }))).rejects.toThrow(/cannot start.*node-pre-gyp/)
  })

  test('that compute nonsense are not used', async () => {
    const wrong = { default: { ...core, matMul: () => core.zeros([2, 2]) } }
    await expect(loadTfjs('auto', installed({ [NATIVE]: wrong }))).rejects.toThrow(/computes 1 \+ 1 \+ 1 = 0/)
  })

  test('fall back to plain JavaScript only on request', async () => {
    const engine = await createTfjsEngine({ backend: 'cpu' })
    expect(engine.description).toBe(`@tensorflow/tfjs-core ${core.version_core}, backend cpu, on the CPU`)
    expect(engine.gpu).toBe(false)
    engine.dispose()
  })

  test('print nothing', () => {
    expect(warn).not.toHaveBeenCalled()
  })
})

import { AdapterTrainError, isAdapterTrainError, messageOf } from '../../errors.js'
import { ANCHOR_CODES, type DescribedEngine, type SparseRows, type Tensor } from '../engine.js'
import { type DeviceOptions, openDevice } from './device.js'
import { allocate, type GpuTensor, watch } from './failure.js'
import { createGemm } from './gemm.js'
import { forWidth, THREADS } from './kernel.js'
import { createQueue } from './queue.js'
import { ADAMW, ADD_ROW_VECTOR, FILL, GATHER_ROWS, MULTIPLY, RELU, RELU_BACKWARD } from './shaders/elementwise.js'
import { MAX_PARTIAL_SUMS, NORMALIZE_ROWS, NORMALIZE_ROWS_BACKWARD, SUM, SUM_ROWS, SUM_ROWS_COLUMNS } from './shaders/reduce.js'
import { ABSENT, FINISH_SOFTMAX, ONLINE_SOFTMAX, SOFTMAX_CROSS_ENTROPY } from './shaders/softmax.js'

const USAGE = { mapRead: 1, copyTarget: 8 }
const UPLOAD_BLOCK = 16 * 1024 * 1024

const on = (t: Tensor): GpuTensor => t as GpuTensor
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const sizeOf = (t: Tensor): number => t.rows * t.cols

/**
 * Starts the engine on any GPU that WebGPU reaches: NVIDIA, AMD, Intel and Apple through Vulkan, Direct3D 12 or Metal.
 *
 * Operations are recorded and sent many at once. A failure of the GPU shows at the next `read` or `sync`.
 */
export async function createWebGpuEngine(options: DeviceOptions = {}): Promise<DescribedEngine> {
  const { device, description } = await openDevice(options)
  const failure = watch(device)
  const queue = createQueue(device, ABSENT)

  const alloc = (rows: number, cols: number): GpuTensor => {
    return { rows, cols, memory: allocate(device, failure, rows, cols), offset: 0 }
  }
  /** Bound in place of an absent optional tensor. */
  const none = alloc(1, 1)
  let held = alloc(1, MAX_PARTIAL_SUMS)
  const scratch = (count: number): GpuTensor => {
    if (sizeOf(held) < count) {
      queue.retire(held.memory)
      held = alloc(1, count)
    }
    return held
  }
  const gemm = createGemm(queue, scratch)

  const total = (x: Tensor, out: Tensor, square: boolean, accumulate: boolean): void => {
    const size = sizeOf(x)
    const count = Math.min(Math.ceil(size / (4 * THREADS)), MAX_PARTIAL_SUMS)
    const flags = { square: square ? 1 : 0, accumulate: accumulate ? 1 : 0 }
    if (count <= 1) {
      queue.run(forWidth(SUM, size), { x, out }, { count: 1, size, ...flags })
      return
    }
    const parts = scratch(count)
    queue.run(SUM, { x, out: parts }, { count, size, ...flags, accumulate: 0 })
    queue.run(SUM, { x: parts, out }, { count: 1, size: count, ...flags, square: 0 })
  }

  /** Waits for the device, and reports what went wrong on it meanwhile. */
  const settle = async (wait: () => Promise<unknown>): Promise<void> => {
    try {
      queue.flush()
      await wait()
    } catch (error) {
      // A lost device rejects what waits for it; the reason follows.
      await turn()
      failure.check()
      if (isAdapterTrainError(error)) throw error
      throw new AdapterTrainError('ENGINE_UNAVAILABLE', `webgpu: the GPU stopped: ${messageOf(error)}`, { cause: error })
    }
    failure.check()
  }

  return {
    name: 'webgpu',
    description,
    upload(m) {
      const t = alloc(m.rows, m.cols)
      for (let start = 0; start < m.data.length; start += UPLOAD_BLOCK) {
        const count = Math.min(UPLOAD_BLOCK, m.data.length - start)
        device.queue.writeBuffer(t.memory.buffer, start * 4, m.data, start, count)
      }
      return t
    },
    alloc,
    view: (t, start, count) => ({ ...on(t), rows: count, offset: on(t).offset + start * t.cols }),
    free: t => queue.retire(on(t).memory),
    async read(t) {
      const bytes = sizeOf(t) * 4
      if (bytes === 0) return new Float32Array(0)
      const staging = device.createBuffer({ size: bytes, usage: USAGE.mapRead | USAGE.copyTarget })
      queue.copy(on(t).memory.buffer, on(t).offset * 4, staging, bytes)
      await settle(() => staging.mapAsync(USAGE.mapRead))
      const values = new Float32Array(staging.getMappedRange()).slice()
      staging.destroy()
      return values
    },
    sync: () =>
      settle(async () => {
        await device.queue.onSubmittedWorkDone()
        await turn()
      }),
    dispose: () => device.destroy(),

    gatherRows(source, rows, out) {
      const scalars = { count: rows.length * out.cols, cols: out.cols }
      queue.run(GATHER_ROWS, { source, out }, scalars, { rows })
    },
    gemm: (a, b, out, options) => gemm(on(a), on(b), on(out), options),
    multiply: (a, b, out) => queue.run(MULTIPLY, { a, b, out }, { count: sizeOf(a), period: sizeOf(b) }),
    relu: (x, out) => queue.run(RELU, { x, out }, { count: sizeOf(x) }),
    reluBackward: (y, grad, out) => queue.run(RELU_BACKWARD, { y, grad, out }, { count: sizeOf(y) }),
    addRowVector: (x, v) => queue.run(ADD_ROW_VECTOR, { x, v }, { count: sizeOf(x), cols: x.cols }),
    sumRows(x, out) {
      const count = Math.ceil(x.cols / SUM_ROWS_COLUMNS)
      queue.run(SUM_ROWS, { x, out }, { count, rows: x.rows, cols: x.cols })
    },
    normalizeRows: (x, out, norms) =>
      queue.run(forWidth(NORMALIZE_ROWS, x.cols), { x, out, norms }, { count: x.rows, cols: x.cols }),
    normalizeRowsBackward(unit, norms, grad, out) {
      const tensors = { unit, norms, grad, out }
      queue.run(forWidth(NORMALIZE_ROWS_BACKWARD, unit.cols), tensors, { count: unit.rows, cols: unit.cols })
    },
    softmaxCrossEntropy(scores, { targets, masked, offset, scale, gradientScale }, loss) {
      queue.run(
        forWidth(SOFTMAX_CROSS_ENTROPY, scores.cols),
        { scores, offset: offset ?? none, loss },
        { count: scores.rows, cols: scores.cols, hasOffset: offset ? 1 : 0, scale, factor: gradientScale * scale },
        { ...targetWords(targets), ...maskWords(masked) },
      )
    },
    onlineSoftmax(scores, { masked, offset, scale }, top, sum, acc) {
      queue.run(
        forWidth(ONLINE_SOFTMAX, Math.max(scores.cols, acc.cols)),
        { scores, offset: offset ?? none, top, sum, acc },
        { count: scores.rows, cols: scores.cols, width: acc.cols, hasOffset: offset ? 1 : 0, scale },
        maskWords(masked),
      )
    },
    finishSoftmax(z, pool, { targets, offset, scale, gradientScale }, top, sum, acc, loss) {
      queue.run(
        forWidth(FINISH_SOFTMAX, z.cols),
        { z, pool, offset: offset ?? none, top, sum, acc, loss },
        { count: z.rows, width: z.cols, hasOffset: offset ? 1 : 0, scale, factor: gradientScale * scale },
        targetWords(targets),
      )
    },
    squaredNorm: (x, out, accumulate) => total(x, out, true, accumulate),
    addSum: (x, out) => total(x, out, false, true),
    fill: (x, value) => queue.run(FILL, { x }, { count: sizeOf(x), value }),
    adamw(param, grad, m, v, { anchor, clip, step, beta1, beta2, ...scalars }) {
      queue.run(
        ADAMW,
        { param, grad, m, v, squared: clip?.squaredNorm ?? none },
        {
          count: sizeOf(param),
          cols: param.cols,
          anchor: ANCHOR_CODES[anchor],
          ...scalars,
          beta1,
          rest1: 1 - beta1,
          beta2,
          rest2: 1 - beta2,
          correction1: 1 / (1 - beta1 ** step),
          correction2: 1 / (1 - beta2 ** step),
          hasClip: clip ? 1 : 0,
          clip: clip?.max ?? 0,
        },
      )
    },
  }
}

const targetWords = (s: SparseRows) => ({ targetOffsets: s.offsets, targetColumns: s.columns, targetValues: s.values })

const maskWords = (s: SparseRows | undefined) => ({ maskOffsets: s?.offsets, maskColumns: s?.columns })

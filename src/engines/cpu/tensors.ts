import { AdapterTrainError } from '../../errors.js'
import type { Matrix } from '../../math/matrix.js'
import type { Tensor } from '../engine.js'
import type { Heap } from './heap.js'

/** A tensor in linear memory, where the kernels reach it, or in its own array; a Matrix for the js engine either way. */
export interface CpuTensor extends Matrix {
  /** Address in linear memory; undefined outside it. */
  readonly address: number | undefined
}

/** Default of the engine's `outsideBytes`: linear memory ends at 4 GiB. */
export const OUTSIDE_BYTES = 256 * 1024 * 1024

export const cpuTensor = (t: Tensor): CpuTensor => t as CpuTensor

/** Makes and frees the tensors of one engine; without a heap all live outside. */
export function createTensors(heap: Heap | undefined, outsideBytes: number) {
  /** Makes an uninitialised tensor. @throws ENGINE_MEMORY */
  function create(rows: number, cols: number): CpuTensor {
    const bytes = rows * cols * 4
    const address = bytes > outsideBytes ? undefined : heap?.allocate(bytes)
    if (heap && address !== undefined) return new HeapTensor(rows, cols, address, heap)
    try {
      return { rows, cols, data: new Float32Array(rows * cols), address: undefined }
    } catch (cause) {
      const size = `${rows} x ${cols} values (${Math.ceil(bytes / 2 ** 20)} MiB)`
      throw new AdapterTrainError('ENGINE_MEMORY', `the cpu engine has no memory for ${size}; use smaller batches`, {
        cause,
        details: { rows, cols, bytes },
      })
    }
  }

  return {
    alloc(rows: number, cols: number): CpuTensor {
      const t = create(rows, cols)
      t.data.fill(0)
      return t
    },
    /** Copies a matrix; one too large for linear memory is used where it is. */
    upload({ rows, cols, data }: Matrix): CpuTensor {
      if (rows * cols * 4 > outsideBytes) return { rows, cols, data, address: undefined }
      const t = create(rows, cols)
      t.data.set(data)
      return t
    },
    view(t: Tensor, start: number, rows: number): CpuTensor {
      const { cols, address } = cpuTensor(t)
      if (heap && address !== undefined) return new HeapTensor(rows, cols, address + start * cols * 4, heap)
      return { rows, cols, data: cpuTensor(t).data.subarray(start * cols, (start + rows) * cols), address: undefined }
    },
    free(t: Tensor): void {
      const { address } = cpuTensor(t)
      if (address !== undefined) heap?.release(address, t.rows * t.cols * 4)
    },
    read: async (t: Tensor): Promise<Float32Array> => cpuTensor(t).data.slice(),
  }
}

/** A tensor in linear memory; its array is replaced after the memory has grown. */
export class HeapTensor implements CpuTensor {
  readonly rows: number
  readonly cols: number
  readonly address: number
  readonly #heap: Heap
  #data: Float32Array | undefined

  constructor(rows: number, cols: number, address: number, heap: Heap) {
    this.rows = rows
    this.cols = cols
    this.address = address
    this.#heap = heap
  }

  get data(): Float32Array {
    const { floats } = this.#heap
    if (this.#data?.buffer !== floats.buffer)
      this.#data = floats.subarray(this.address / 4, this.address / 4 + this.rows * this.cols)
    return this.#data!
  }
}

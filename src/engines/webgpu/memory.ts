import { AdapterTrainError } from '../../errors.js'
import type { Tensor } from '../engine.js'
import type { Failure } from './failure.js'

/** A buffer on the device and what is cached for it. */
export interface Memory {
  readonly id: number
  readonly buffer: GPUBuffer
  readonly bytes: number
  /** Keys of the cached bind groups that name this buffer. */
  readonly bindGroups: Set<string>
  freed: boolean
}

/** A row-major matrix in a buffer; views start at an offset of floats. */
export interface GpuTensor extends Tensor {
  readonly memory: Memory
  readonly offset: number
}

const USAGE = { copySource: 4, copyTarget: 8, storage: 128 }

let ids = 0

/**
 * A buffer of zeros.
 * @throws ENGINE_MEMORY when it exceeds what a shader of this adapter can address
 */
export function allocate(device: GPUDevice, failure: Failure, rows: number, cols: number): Memory {
  // At least one vector of four, in whole ones: shaders read four floats at once.
  const bytes = Math.max(16, Math.ceil((rows * cols) / 4) * 16)
  const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize)
  const what = `a ${rows} x ${cols} matrix (${megabytes(bytes)})`
  if (bytes > limit) {
    throw new AdapterTrainError(
      'ENGINE_MEMORY',
      `webgpu: ${what} is larger than the ${megabytes(limit)} that this GPU's driver lets a shader address. ` +
        'Use fewer rows, or --engine cpu',
      { details: { rows, cols, bytes, limit } },
    )
  }
  const usage = USAGE.copySource | USAGE.copyTarget | USAGE.storage
  const buffer = failure.watchAllocation(what, () => device.createBuffer({ size: bytes, usage }))
  return { id: ids++, buffer, bytes, bindGroups: new Set(), freed: false }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB`
}

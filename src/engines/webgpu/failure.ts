import { AdapterTrainError } from '../../errors.js'
import type { Tensor } from '../engine.js'

/** Collects a device's errors from now on, which WebGPU reports later than the call that caused them; the first one is kept. */
export function watch(device: GPUDevice) {
  let first: AdapterTrainError | undefined
  const fail = (code: 'ENGINE_MEMORY' | 'ENGINE_UNAVAILABLE', message: string): void => {
    first ??= new AdapterTrainError(code, `webgpu: ${message}`)
  }
  device.addEventListener('uncapturederror', event => {
    event.preventDefault() // else Dawn prints it
    const { error } = event as GPUUncapturedErrorEvent
    const memory = error.constructor.name === 'GPUOutOfMemoryError'
    fail(memory ? 'ENGINE_MEMORY' : 'ENGINE_UNAVAILABLE', `the GPU refused a command: ${error.message.trim()}`)
  })
  device.lost.then(info => {
    fail(
      'ENGINE_UNAVAILABLE',
      info.reason === 'destroyed'
        ? 'the engine was disposed of'
        : `the GPU was lost (${info.message.trim() || 'no reason given'}). Its driver may have been reset, or its memory is full: ` +
            'try a smaller batch, or --engine cpu',
    )
  })
  return {
    /** @throws ENGINE_MEMORY or ENGINE_UNAVAILABLE once something has failed */
    check(): void {
      if (first) throw first
    },
    /** Reports the failure of an allocation with the size asked for. */
    watchAllocation<T>(what: string, allocate: () => T): T {
      device.pushErrorScope('out-of-memory')
      const result = allocate()
      device.popErrorScope().then(
        error => {
          if (!error) return
          fail(
            'ENGINE_MEMORY',
            `the GPU has no memory left for ${what}: ${error.message.trim()}. Close other programs that use it, train on ` +
              'fewer rows or a smaller batch, or use --engine cpu',
          )
        },
        () => {}, // the device is lost, which is reported above
      )
      return result
    },
  }
}

/** A buffer on the device, and the keys of the cached bind groups that name it. */
export type Memory = ReturnType<typeof allocate>

/** A row-major matrix in a buffer; views start at an offset of floats. */
export interface GpuTensor extends Tensor {
  readonly memory: Memory
  readonly offset: number
}

const USAGE = { copySource: 4, copyTarget: 8, storage: 128 }
let ids = 0

/** Makes a buffer of zeros. @throws ENGINE_MEMORY if it exceeds what a shader of this adapter can address */
export function allocate(device: GPUDevice, failure: ReturnType<typeof watch>, rows: number, cols: number) {
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
  return { id: ids++, buffer, bytes, bindGroups: new Set<string>(), freed: false }
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB`

import { AdapterTrainError } from '../../errors.js'

/** What went wrong on a device: WebGPU reports errors later than the call that caused them. */
export interface Failure {
  /** @throws ENGINE_MEMORY or ENGINE_UNAVAILABLE once something has failed */
  check(): void
  /** Reports the failure of an allocation with the sizes that it asked for. */
  watchAllocation<T>(what: string, allocate: () => T): T
}

/** Collects a device's errors from now on; the first one is kept. */
export function watch(device: GPUDevice): Failure {
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
    check() {
      if (first) throw first
    },
    watchAllocation(what, allocate) {
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

import { AdapterTrainError } from '../../errors.js'
import type { Heap } from './heap.js'

/** A block of linear memory that is kept between operations and replaced when a larger one is needed. */
export class Scratch {
  readonly #heap: Heap
  #address = 0
  #bytes = 0

  constructor(heap: Heap) {
    this.#heap = heap
  }

  /**
   * The address of at least `values` float32 values; what an earlier call gave is no longer valid.
   * @throws ENGINE_MEMORY when linear memory is full
   */
  reserve(values: number): number {
    const bytes = values * 4
    if (bytes <= this.#bytes) return this.#address
    if (this.#bytes > 0) this.#heap.release(this.#address, this.#bytes)
    this.#bytes = 0
    const address = this.#heap.allocate(bytes)
    if (address === undefined) {
      const size = `${Math.ceil(bytes / 2 ** 20)} MiB`
      throw new AdapterTrainError('ENGINE_MEMORY', `the cpu engine has no ${size} to work in; use smaller batches`)
    }
    this.#address = address
    this.#bytes = bytes
    return address
  }

  /** Copies arrays one after the other and returns their addresses, 0 for an absent one. */
  stage(arrays: readonly (Uint32Array | Float32Array | undefined)[]): number[] {
    let address = this.reserve(arrays.reduce((sum, a) => sum + (a?.length ?? 0), 0))
    const { floats } = this.#heap
    return arrays.map(array => {
      if (!array) return 0
      const at = address
      if (array instanceof Float32Array) floats.set(array, at / 4)
      else new Uint32Array(floats.buffer, at, array.length).set(array)
      address += array.length * 4
      return at
    })
  }
}

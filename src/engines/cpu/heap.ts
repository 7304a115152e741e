import { AdapterTrainError } from '../../errors.js'
import { createMemory, MAX_PAGES, PAGE_BYTES, type WasmMemory } from './wasm.js'

/** Linear memory that tensors are allocated in. */
export interface Heap {
  readonly memory: WasmMemory
  /** All of the memory as float32; a new array after the memory has grown. */
  readonly floats: Float32Array
  /** Allocates uninitialised bytes at a multiple of 64, never 0; undefined if memory is full. */
  allocate(bytes: number): number | undefined
  release(address: number, bytes: number): void
}

/** One cache line, so that tensors share none. */
const ALIGNMENT = 64
/** Least growth of memory, as every growth replaces all views. */
const GROWTH_BYTES = 16 * 1024 * 1024

/** Makes a first-fit heap; undefined without WebAssembly. The first page belongs to the kernels' constants. */
export function createHeap(): Heap | undefined {
  const memory = createMemory(1, MAX_PAGES)
  if (!memory) return undefined
  /** Free blocks by address; no two touch. */
  const free: { address: number; bytes: number }[] = []
  let floats = new Float32Array(memory.buffer)

  const release = (address: number, bytes: number): void => {
    const length = aligned(bytes)
    let i = free.findIndex(block => block.address > address)
    if (i < 0) i = free.length
    const before = free[i - 1]
    const after = free[i]
    const joinsBefore = before && before.address + before.bytes === address
    const joinsAfter = after && address + length === after.address
    if (joinsBefore) {
      before.bytes += length + (joinsAfter ? after.bytes : 0)
      if (joinsAfter) free.splice(i, 1)
    } else if (joinsAfter) {
      after.address = address
      after.bytes += length
    } else {
      free.splice(i, 0, { address, bytes: length })
    }
  }

  const grow = (bytes: number): boolean => {
    const end = memory.buffer.byteLength
    const last = free.at(-1)
    const missing = bytes - (last && last.address + last.bytes === end ? last.bytes : 0)
    const room = MAX_PAGES * PAGE_BYTES - end
    const pages = Math.ceil(Math.min(room, Math.max(missing, GROWTH_BYTES)) / PAGE_BYTES)
    if (missing > room) return false
    try {
      memory.grow(pages)
    } catch {
      return false
    }
    floats = new Float32Array(memory.buffer)
    release(end, pages * PAGE_BYTES)
    return true
  }

  const take = (bytes: number): number | undefined => {
    const i = free.findIndex(block => block.bytes >= bytes)
    if (i < 0) return undefined
    const block = free[i]
    const { address } = block
    if (block.bytes === bytes) free.splice(i, 1)
    else {
      block.address += bytes
      block.bytes -= bytes
    }
    return address
  }

  return {
    memory,
    get floats() {
      return floats
    },
    allocate(bytes) {
      const length = aligned(bytes)
      return take(length) ?? (grow(length) ? take(length) : undefined)
    },
    release,
  }
}

const aligned = (bytes: number): number => Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)

/** A block of linear memory that is kept between operations and replaced if a larger one is needed. */
export class Scratch {
  readonly #heap: Heap
  #address = 0
  #bytes = 0

  constructor(heap: Heap) {
    this.#heap = heap
  }

  /** Returns the address of so many float32 values, until the next call. @throws ENGINE_MEMORY if memory is full */
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

  /** Copies arrays and returns their addresses, 0 for an absent one. */
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

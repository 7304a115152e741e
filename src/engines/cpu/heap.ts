import { AdapterTrainError } from '../../errors.js'
import { createMemory, MAX_PAGES, PAGE_BYTES } from './wasm.js'

/** Linear memory that tensors are allocated in. */
export type Heap = NonNullable<ReturnType<typeof createHeap>>

/** One cache line, so that tensors share none. */
const ALIGNMENT = 64
/** Least growth of memory, as every growth replaces all views. */
const GROWTH_BYTES = 16 * 1024 * 1024

/** Makes a first-fit heap; undefined without WebAssembly. The first page belongs to the kernels' constants. */
export function createHeap() {
  const memory = createMemory(1, MAX_PAGES)
  if (!memory) return undefined
  /** Free blocks by address; no two touch. */
  const free: { address: number; bytes: number }[] = []
  let floats = new Float32Array(memory.buffer)

  const release = (address: number, bytes: number): void => {
    const next = free.findIndex(block => block.address > address)
    const i = next < 0 ? free.length : next
    free.splice(i, 0, { address, bytes: aligned(bytes) })
    for (const at of [i, i - 1]) {
      const [block, after] = [free[at], free[at + 1]]
      if (!block || !after || block.address + block.bytes < after.address) continue
      block.bytes += after.bytes
      free.splice(at + 1, 1)
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
    /** All of the memory as float32; a new array after the memory has grown. */
    get floats() {
      return floats
    },
    /** Allocates uninitialised bytes at a multiple of 64, never 0; undefined if memory is full. */
    allocate(bytes: number): number | undefined {
      const length = aligned(bytes)
      return take(length) ?? (grow(length) ? take(length) : undefined)
    },
    release,
  }
}

const aligned = (bytes: number): number => Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)

/** A block of linear memory that is kept between operations and replaced if a larger one is needed. */
export function createScratch(heap: Heap) {
  let held = { address: 0, bytes: 0 }

  /** Returns the address of so many float32 values, until the next call. @throws ENGINE_MEMORY if memory is full */
  function reserve(values: number): number {
    const bytes = values * 4
    if (bytes <= held.bytes) return held.address
    if (held.bytes > 0) heap.release(held.address, held.bytes)
    held = { address: 0, bytes: 0 }
    const address = heap.allocate(bytes)
    if (address === undefined) {
      const size = `${Math.ceil(bytes / 2 ** 20)} MiB`
      throw new AdapterTrainError('ENGINE_MEMORY', `the cpu engine has no ${size} to work in; use smaller batches`)
    }
    held = { address, bytes }
    return address
  }

  /** Copies arrays and returns their addresses, 0 for an absent one. */
  function stage(arrays: readonly (Uint32Array | Float32Array | undefined)[]): number[] {
    let address = reserve(arrays.reduce((sum, a) => sum + (a?.length ?? 0), 0))
    const { floats } = heap
    return arrays.map(array => {
      if (!array) return 0
      const at = address
      if (array instanceof Float32Array) floats.set(array, at / 4)
      else new Uint32Array(floats.buffer, at, array.length).set(array)
      address += array.length * 4
      return at
    })
  }

  return { reserve, stage }
}

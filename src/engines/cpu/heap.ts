import { createMemory, MAX_PAGES, PAGE_BYTES, type WasmMemory } from './wasm.js'

/** Linear memory in which tensors are given room and give it back. */
export interface Heap {
  readonly memory: WasmMemory
  /** All of the memory as float32; another array once the memory has grown. */
  readonly floats: Float32Array
  /** The address of `bytes` free bytes, a multiple of 64, never 0; undefined when memory is full. What they hold is arbitrary. */
  allocate(bytes: number): number | undefined
  /** Gives back what {@link Heap.allocate} gave for the same `bytes`. */
  release(address: number, bytes: number): void
}

/** One cache line, so that tensors share none. */
const ALIGNMENT = 64

/** Memory grows by at least this much, as growing makes every view anew. */
const GROWTH_BYTES = 16 * 1024 * 1024

/** A first-fit heap; undefined where there is no WebAssembly. The first page belongs to the kernels' constants. */
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

const USAGE = { copyTarget: 8, uniform: 64, storage: 128 }

/**
 * Small data of the dispatches of one submission, such as scalars and row indices. Writes to a buffer take effect before a
 * submission, not between its commands, so that every dispatch needs a place of its own until the submission is sent.
 */
export interface Arena {
  readonly buffer: GPUBuffer
  /** Counts buffers: the arena takes a larger one where a single request exceeds it. */
  readonly generation: number
  /** Whether `words` more fit into this submission. */
  fits(words: number): boolean
  /** Prepares an empty arena for a request of `words`. */
  grow(words: number): void
  /** Takes a place and returns its first word. */
  take(words: number): number
  /** What was taken, for the caller to fill. */
  readonly u32: Uint32Array
  readonly f32: Float32Array
  /** Sends what was taken to the device and starts anew. */
  send(): void
}

/**
 * @param capacity words at first
 * @param align words that a place is aligned to
 */
export function createArena(device: GPUDevice, kind: 'uniform' | 'storage', capacity: number, align: number): Arena {
  let used = 0
  let generation = 0
  let u32 = new Uint32Array(capacity)
  let f32 = new Float32Array(u32.buffer)
  const create = (): GPUBuffer => device.createBuffer({ size: u32.byteLength, usage: USAGE[kind] | USAGE.copyTarget })
  let buffer = create()
  return {
    get buffer() {
      return buffer
    },
    get generation() {
      return generation
    },
    get u32() {
      return u32
    },
    get f32() {
      return f32
    },
    fits: words => used + words <= u32.length,
    grow(words) {
      if (words <= u32.length) return
      buffer.destroy()
      u32 = new Uint32Array(2 ** Math.ceil(Math.log2(words)))
      f32 = new Float32Array(u32.buffer)
      buffer = create()
      generation++
    },
    take(words) {
      const start = used
      used = Math.ceil((used + words) / align) * align
      return start
    },
    send() {
      if (used > 0) device.queue.writeBuffer(buffer, 0, u32, 0, Math.min(used, u32.length))
      used = 0
    },
  }
}

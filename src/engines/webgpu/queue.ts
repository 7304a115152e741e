import { getOrInsert } from '../../maps.js'
import type { Tensor } from '../engine.js'
import type { GpuTensor, Memory } from './failure.js'
import { type Binding, bind, type Kernel, shaderOf, THREADS } from './kernel.js'

/** Dispatches of one submission: enough to hide its cost, few enough that the GPU starts soon. */
const MAX_DISPATCHES = 128
/** Bytes of freed memory that wait for the next submission, before one is made. */
const MAX_RETIRED = 256 * 1024 * 1024
/** Words of a dispatch's scalars: the alignment that every adapter allows. */
const PARAMS_WORDS = 64
const INDEX_WORDS = 256 * 1024
const STAGE_COMPUTE = 4

/** Index data in words. */
export type Words = Uint32Array | Float32Array | undefined

export type Queue = ReturnType<typeof createQueue>

/**
 * Records dispatches and sends many of them at once.
 * @param absent the place of index data that is undefined
 */
export function createQueue(device: GPUDevice, absent: number) {
  const params = createArena(device, 'uniform', MAX_DISPATCHES * PARAMS_WORDS, PARAMS_WORDS)
  const indices = createArena(device, 'storage', INDEX_WORDS, 1)
  const pipelines = new Map<string, GPUComputePipeline>()
  const layouts = new Map<string, GPUBindGroupLayout>()
  const bindGroups = new Map<string, GPUBindGroup>()
  const maxGroups = device.limits.maxComputeWorkgroupsPerDimension
  let encoder: GPUCommandEncoder | undefined
  let pass: GPUComputePassEncoder | undefined
  let current: GPUComputePipeline | undefined
  let retired: Memory[] = []
  let retiredBytes = 0

  const endPass = (): GPUCommandEncoder => {
    pass?.end()
    pass = undefined
    current = undefined
    encoder ??= device.createCommandEncoder()
    return encoder
  }

  const flush = (): void => {
    if (encoder) {
      endPass()
      params.send()
      indices.send()
      device.queue.submit([encoder.finish()])
      encoder = undefined
    }
    for (const memory of retired) destroy(memory)
    retired = []
    retiredBytes = 0
  }

  const destroy = (memory: Memory): void => {
    for (const key of memory.bindGroups) bindGroups.delete(key)
    memory.buffer.destroy()
  }

  const layoutOf = (pattern: string): GPUBindGroupLayout => {
    const bufferOf = (kind: string): GPUBufferBindingLayout =>
      kind === 'u' ? { type: 'uniform', hasDynamicOffset: true } : { type: kind === 'w' ? 'storage' : 'read-only-storage' }
    const buffers = [...pattern].map(bufferOf)
    const entries = buffers.map((buffer, binding) => ({ binding, visibility: STAGE_COMPUTE, buffer }))
    return getOrInsert(layouts, pattern, () => device.createBindGroupLayout({ entries }))
  }

  const pipelineOf = (kernel: Kernel, binding: Binding, pattern: string): GPUComputePipeline => {
    const key = `${kernel.name} ${binding.slots.join()}`
    return getOrInsert(pipelines, key, () =>
      device.createComputePipeline({
        label: kernel.name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layoutOf(pattern)] }),
        compute: { module: device.createShaderModule({ label: kernel.name, code: shaderOf(kernel, binding) }) },
      }),
    )
  }

  const bindGroupOf = (kernel: Kernel, memories: Memory[], pattern: string): GPUBindGroup => {
    const unique = [...new Set(memories)]
    const key = `${pattern} ${kernel.words ? indices.generation : ''} ${unique.map(m => m.id).join()}`
    return getOrInsert(bindGroups, key, () => {
      for (const memory of unique) memory.bindGroups.add(key)
      const buffers = [...(kernel.words ? [indices.buffer] : []), ...unique.map(m => m.buffer)]
      return device.createBindGroup({
        layout: layoutOf(pattern),
        entries: [
          { binding: 0, resource: { buffer: params.buffer, size: PARAMS_WORDS * 4 } },
          ...buffers.map((buffer, i) => ({ binding: i + 1, resource: { buffer } })),
        ],
      })
    })
  }

  return {
    /** Records a dispatch; `words` are index data by the names of the scalars that receive their place, or `absent`. */
    run<T extends string, S extends string, W extends S = never>(
      kernel: Kernel<T, S>,
      tensors: Record<T, Tensor>,
      scalars: Record<Exclude<S, W>, number>,
      words?: Record<W, Words>,
    ): void {
      const values = scalars as Record<string, number>
      if (values.count === 0) return
      const needed = Object.values<Words>(words ?? {}).reduce((sum, w) => sum + (w?.length ?? 0), 0)
      if (!params.fits(PARAMS_WORDS) || !indices.fits(needed)) flush()
      indices.grow(needed)

      const list = Object.keys(kernel.tensors).map(name => (tensors as Record<string, GpuTensor>)[name])
      const memories = list.map(t => t.memory)
      const places = placeWords(indices, words ?? {})
      const width = kernel.element === 'vec4<f32>' ? 4 : 1
      const start = params.take(PARAMS_WORDS)
      let at = start
      for (const tensor of list) params.u32[at++] = tensor.offset / width
      for (const [name, type] of Object.entries<'u32' | 'f32'>(kernel.scalars)) {
        const target = type === 'u32' ? params.u32 : params.f32
        target[at++] = name in places ? (places[name] ?? absent) : values[name]
      }

      const binding = bind(kernel, memories)
      const pattern = `u${kernel.words ? 'r' : ''}${binding.writes.map(w => (w ? 'w' : 'r')).join('')}`
      const pipeline = pipelineOf(kernel, binding, pattern)
      encoder ??= device.createCommandEncoder()
      pass ??= encoder.beginComputePass()
      if (current !== pipeline) pass.setPipeline(pipeline)
      current = pipeline
      pass.setBindGroup(0, bindGroupOf(kernel, memories, pattern), [start * 4])
      const threads = kernel.threads ?? THREADS
      const groups = kernel.each === 'group' ? values.count : Math.ceil(values.count / threads)
      pass.dispatchWorkgroups(Math.min(groups, maxGroups), Math.ceil(groups / maxGroups))
    },
    /** Copies bytes between buffers, in order with the dispatches. */
    copy(from: GPUBuffer, start: number, to: GPUBuffer, bytes: number): void {
      endPass().copyBufferToBuffer(from, start, to, 0, bytes)
    },
    /** Destroys the buffer once no recorded dispatch needs it. */
    retire(memory: Memory) {
      if (memory.freed) return
      memory.freed = true
      if (!encoder) return destroy(memory)
      retired.push(memory)
      retiredBytes += memory.bytes
      if (retiredBytes > MAX_RETIRED) flush()
    },
    /** Sends the recorded dispatches to the device. */
    flush,
  }
}

function placeWords(arena: Arena, words: Record<string, Words>): Record<string, number | undefined> {
  const places: Record<string, number | undefined> = {}
  for (const [name, data] of Object.entries(words)) {
    places[name] = data && arena.take(data.length)
    if (data) (data instanceof Float32Array ? arena.f32 : arena.u32).set(data, places[name])
  }
  return places
}

const USAGE = { copyTarget: 8, uniform: 64, storage: 128 }

type Arena = ReturnType<typeof createArena>

/**
 * Holds small data of the dispatches of one submission, such as scalars and row indices. Writes to a buffer take effect before a
 * submission, not between its commands, so every dispatch needs its own place until the submission is sent.
 */
function createArena(device: GPUDevice, kind: 'uniform' | 'storage', capacity: number, align: number) {
  let used = 0
  const create = (words: number) => {
    const u32 = new Uint32Array(words)
    const buffer = device.createBuffer({ size: u32.byteLength, usage: USAGE[kind] | USAGE.copyTarget })
    return { u32, f32: new Float32Array(u32.buffer), buffer }
  }
  const arena = {
    ...create(capacity),
    /** Number of the buffer; a single request that exceeds it gets a larger one. */
    generation: 0,
    /** True if `words` more fit into this submission. */
    fits: (words: number): boolean => used + words <= arena.u32.length,
    /** Prepares an empty arena for a request of `words`. */
    grow(words: number): void {
      if (words <= arena.u32.length) return
      arena.buffer.destroy()
      Object.assign(arena, create(2 ** Math.ceil(Math.log2(words))))
      arena.generation++
    },
    /** Takes a place and returns its first word. */
    take(words: number): number {
      const start = used
      used = Math.ceil((used + words) / align) * align
      return start
    },
    /** Sends the words taken to the device and starts again. */
    send(): void {
      const { buffer, u32 } = arena
      if (used > 0) device.queue.writeBuffer(buffer, 0, u32, 0, Math.min(used, u32.length))
      used = 0
    },
  }
  return arena
}

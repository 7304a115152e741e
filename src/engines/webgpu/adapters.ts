import { messageOf } from '../../errors.js'
import { isSoftware, loadWebGpu } from './device.js'

/** An adapter as WebGPU sees it. */
export interface WebGpuAdapter {
  readonly name: string
  /** Programming interface beneath, such as "vulkan"; the same GPU may be there through several. */
  readonly backend: string
  /** Whether it computes on the CPU. */
  readonly software: boolean
}

/**
 * Every adapter of the machine, software ones included.
 * @throws ENGINE_UNAVAILABLE when the package `webgpu` is missing or does not load, or there is no Vulkan loader
 */
export async function listAdapters(): Promise<WebGpuAdapter[]> {
  const { create } = await loadWebGpu()
  // WebGPU hands out one adapter, but Dawn lists all in the error for a name that none has.
  const listed = await create(['adapter=\u0001'])
    .requestAdapter()
    .then(() => '', messageOf)
  const adapters: WebGpuAdapter[] = []
  for (const [, backend, name] of listed.matchAll(/backend: '([^']*)', name: '([^']*)'/g)) {
    const adapter = await create([`backend=${backend}`, `adapter=${name}`])
      .requestAdapter()
      .catch(() => null)
    adapters.push({ name, backend, software: isSoftware(adapter?.info ?? { description: name }) })
  }
  return adapters
}

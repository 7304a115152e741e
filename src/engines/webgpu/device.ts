import { AdapterTrainError, isAdapterTrainError, messageOf } from '../../errors.js'

type WebGpu = typeof import('webgpu')

export interface DeviceOptions {
  /** True if an adapter that computes on the CPU (SwiftShader, llvmpipe) is acceptable. Default: false, as it is slow. */
  readonly allowSoftware?: boolean
  /**
   * Part of an adapter's name, as in "H200", or "software" for one that computes on the CPU. Default: the environment
   * variable ADAPTER_TRAIN_DEVICE, else the fastest adapter.
   */
  readonly device?: string
}

/** Every kernel writes workgroup memory before it reads it: zeroing it would only slow shaders down. */
const DAWN_OPTIONS = ['enable-dawn-features=disable_workgroup_init']
/** Dawn's instances by adapter name, kept because they must outlive their devices. */
const instances = new Map<string, GPU>()
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
] as const

/** Opens the fastest WebGPU adapter of the machine, or the one asked for. */
export async function openDevice(options: DeviceOptions = {}) {
  const wanted = options.device || process.env.ADAPTER_TRAIN_DEVICE || undefined
  const software = wanted === 'software'
  const name = software ? undefined : wanted

  const { create } = await loadWebGpu()
  const key = name ?? ''
  const gpu = instances.get(key) ?? create(name ? [...DAWN_OPTIONS, `adapter=${name}`] : DAWN_OPTIONS)
  instances.set(key, gpu)
  const adapter = await requestAdapter(gpu, name, software)
  const description = describe(adapter.info)
  if (isSoftware(adapter.info) && !options.allowSoftware && !wanted) {
    throw unavailable(
      `the only WebGPU adapter is ${description}, which computes on the CPU, slower than the cpu engine does. ` +
        'Use --engine cpu, install the driver of the GPU, or ask for this adapter with --engine-device software',
    )
  }
  try {
    const requiredLimits = Object.fromEntries(LIMITS.map(limit => [limit, adapter.limits[limit]]))
    const device = await adapter.requestDevice({ label: 'adapter-train', requiredLimits })
    return { device, description }
  } catch (error) {
    throw unavailable(`the WebGPU adapter ${description} does not open: ${messageOf(error)}`, error)
  }
}

/** True for an adapter that computes on the CPU. */
export function isSoftware(info: Partial<GPUAdapterInfo>): boolean {
  const names = [info.vendor, info.architecture, info.device, info.description].join(' ')
  return info.isFallbackAdapter === true || SOFTWARE.test(names)
}

/** Loads Dawn. @throws ENGINE_UNAVAILABLE if the package `webgpu` or a Vulkan loader is missing or does not load */
async function loadWebGpu(): Promise<WebGpu> {
  try {
    const webgpu = await import('webgpu')
    requireVulkan()
    return webgpu
  } catch (error) {
    if (isAdapterTrainError(error)) throw error
    const missing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
    throw unavailable(
      missing
        ? 'the webgpu engine needs the package "webgpu", which is not installed: npm install webgpu'
        : `the package "webgpu" does not load on ${process.platform}-${process.arch}: ${messageOf(error)}`,
      error,
    )
  }
}

// Without a Vulkan loader Dawn writes warnings to the terminal. A library that is not a Node add-on fails to load as one,
// but with another message than a missing one.
function requireVulkan(): void {
  if (process.platform !== 'linux') return
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1')
  } catch (error) {
    if (!messageOf(error).includes('cannot open shared object file')) return
    throw unavailable(
      'no Vulkan loader (libvulkan.so.1) on this machine. Use --engine cpu, or install the driver of the GPU and the ' +
        'loader (Debian and Ubuntu: apt-get install libvulkan1)',
      error,
    )
  }
}

async function requestAdapter(gpu: GPU, name: string | undefined, software: boolean): Promise<GPUAdapter> {
  let cause: unknown
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance', forceFallbackAdapter: software })
    if (adapter) return adapter
  } catch (error) {
    cause = error
  }
  // Dawn lists the adapters in the error for a name that none has.
  const names = [...messageOf(cause ?? '').matchAll(/name: '([^']*)'/g)].map(match => match[1])
  if (name && names.length > 0) {
    throw unavailable(
      `there is no adapter "${name}" on this machine; expected part of one of ${names.map(n => `"${n}"`).join(', ')} ` +
        '(upper and lower case count), or "software"',
      cause,
    )
  }
  throw unavailable(
    `there is no ${software ? 'software adapter' : 'GPU'} that WebGPU can use on this machine. Use --engine cpu, or install ` +
      `${software ? 'a Vulkan driver that computes on the CPU, such as SwiftShader or lavapipe' : "the GPU's driver"} ` +
      '(on Linux one for Vulkan: `vulkaninfo --summary` shows what is there)',
    cause,
  )
}

/** Such as "NVIDIA H200 (nvidia, hopper, driver 550.90, Vulkan)". */
function describe({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  const api = { darwin: 'Metal', win32: 'Direct3D 12' }[process.platform as string] ?? 'Vulkan'
  const [name, ...rest] = [device, vendor, architecture, description].filter(Boolean)
  return name ? `${name} (${[...rest, api].join(', ')})` : `unnamed adapter (${api})`
}

function unavailable(message: string, cause?: unknown): AdapterTrainError {
  return new AdapterTrainError('ENGINE_UNAVAILABLE', `webgpu: ${message}`, { cause })
}

/**
 * Lists all adapters of the machine, software ones included; a GPU may have several programming interfaces, such as "vulkan".
 * @throws ENGINE_UNAVAILABLE as {@link openDevice}
 */
export async function listAdapters() {
  const { create } = await loadWebGpu()
  // WebGPU hands out one adapter, but Dawn lists all in the error for a name that none has.
  const listed = await create(['adapter=\u0001'])
    .requestAdapter()
    .then(() => '', messageOf)
  const adapters: { name: string; backend: string; software: boolean }[] = []
  for (const [, backend, name] of listed.matchAll(/backend: '([^']*)', name: '([^']*)'/g)) {
    const adapter = await create([`backend=${backend}`, `adapter=${name}`])
      .requestAdapter()
      .catch(() => null)
    adapters.push({ name, backend, software: isSoftware(adapter?.info ?? { description: name }) })
  }
  return adapters
}

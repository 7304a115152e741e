import { AdapterTrainError, isAdapterTrainError, messageOf, usageError } from '../errors.js'
import type { Engine } from './engine.js'

/** Options of an engine. */
export interface EngineOptions {
  /** Device of the engine: part of a WebGPU adapter's name, or `software`; `gpu` or `cpu` for tfjs. */
  readonly device?: string
}

/** Engines by name; the code of each loads on first use. The types name no package a user may not have. */
const ENGINES = {
  cpu: async (): Promise<Engine> => (await import('./cpu/index.js')).createCpuEngine(),
  webgpu: async ({ device }: EngineOptions): Promise<Engine> =>
    (await import('./webgpu/engine.js')).createWebGpuEngine({ device }),
  tfjs: async ({ device }: EngineOptions): Promise<Engine> =>
    (await import('./tfjs/engine.js')).createTfjsEngine({ backend: tfjsBackend(device) }),
  js: async (): Promise<Engine> => (await import('./js.js')).createJsEngine(),
}

/** Name of an engine. */
export type EngineName = keyof typeof ENGINES

/** Names of all engines, in the order of help. */
export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[]
/** Choices of `--engine`; `auto` leaves it to {@link selectEngine}. */
export const ENGINE_CHOICES = ['auto', ...ENGINE_NAMES] as const

/**
 * Starts an engine.
 * @throws ENGINE_UNKNOWN if there is none of that name
 * @throws USAGE if it has no such device
 * @throws ENGINE_UNAVAILABLE if it cannot run on this machine
 */
export async function createEngine(name: string, options: EngineOptions = {}): Promise<Engine> {
  if (!Object.hasOwn(ENGINES, name)) {
    const names = ENGINE_CHOICES.join(', ')
    throw new AdapterTrainError('ENGINE_UNKNOWN', `there is no engine "${name}"; expected one of ${names}`)
  }
  checkDevice(name, options.device)
  return ENGINES[name as EngineName](options)
}

/** @throws USAGE if a device is named and the engine has none to choose */
export function checkDevice(name: string, device: string | undefined): void {
  if (device !== undefined && (name === 'cpu' || name === 'js'))
    throw usageError(
      `--engine-device has no effect with --engine ${name}; expected --engine webgpu or tfjs, found device "${device}"`,
    )
}

function tfjsBackend(device: string | undefined): 'auto' | 'gpu' | 'cpu' {
  if (device === undefined || device === 'gpu' || device === 'cpu') return device ?? 'auto'
  throw usageError(`the device of the engine tfjs must be gpu or cpu, found "${device}"`)
}

interface SelectedEngine {
  readonly engine: Engine
  readonly reason: string
  /** Set if something that should have worked did not. */
  readonly warning?: string
}

/** Runs work on the named engine (default `auto`), or on a running one, which is not disposed of. */
export async function withEngine<T>(
  { engine = 'auto', device }: EngineOptions & { readonly engine?: string | Engine },
  work: (selected: SelectedEngine) => Promise<T>,
): Promise<T> {
  if (typeof engine === 'object') return work({ engine, reason: 'given' })
  const selected = await selectEngine(engine, { device })
  try {
    return await work(selected)
  } finally {
    selected.engine.dispose()
  }
}

/**
 * Starts the named engine; with `auto` tfjs-node-gpu if it is installed and detects a GPU, else WebGPU on a real GPU, else the CPU, with
 * a warning if a device is named.
 */
export async function selectEngine(name: string, options: EngineOptions = {}): Promise<SelectedEngine> {
  if (name !== 'auto') return { engine: await createEngine(name, options), reason: 'asked for' }
  const { probeTfjs } = await import('./tfjs/load.js')
  const tfjs = await probeTfjs()
  const tried: string[] = []
  const { device } = options
  if (tfjs?.gpu && (device === undefined || device === 'gpu')) {
    try {
      return { engine: await createEngine('tfjs', { device: 'gpu' }), reason: `${tfjs.package} sees a GPU` }
    } catch (error) {
      tried.push(`tfjs failed to start: ${messageOf(error)}`)
    }
  }
  try {
    return { engine: await createEngine('webgpu', options), reason: 'WebGPU found a GPU', warning: tried[0] }
  } catch (error) {
    if (device !== undefined || !isAdapterTrainError(error, 'ENGINE_UNAVAILABLE'))
      tried.push(`WebGPU failed to start: ${messageOf(error)}`)
  }
  const warning = tried.length > 0 ? `${tried.join('; ')}; training runs on the CPU instead` : undefined
  return { engine: await createEngine('cpu'), reason: 'no GPU that can be used was found', warning }
}

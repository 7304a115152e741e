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
 * @throws ENGINE_UNAVAILABLE if it cannot run on this machine
 */
export async function createEngine(name: string, options: EngineOptions = {}): Promise<Engine> {
  if (!Object.hasOwn(ENGINES, name)) {
    const names = ENGINE_CHOICES.join(', ')
    throw new AdapterTrainError('ENGINE_UNKNOWN', `there is no engine "${name}"; expected one of ${names}`)
  }
  return ENGINES[name as EngineName](options)
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
 * Starts the named engine; with `auto` tfjs-node-gpu if it is installed and detects a GPU, else WebGPU on a real GPU, else the CPU.
 */
export async function selectEngine(name: string, options: EngineOptions = {}): Promise<SelectedEngine> {
  if (name !== 'auto') return { engine: await createEngine(name, options), reason: 'asked for' }
  const { probeTfjs } = await import('./tfjs/load.js')
  const tfjs = await probeTfjs()
  const tried: string[] = []
  if (tfjs?.gpu) {
    try {
      return { engine: await createEngine('tfjs', { device: 'gpu' }), reason: `${tfjs.package} sees a GPU` }
    } catch (error) {
      tried.push(`tfjs failed to start: ${messageOf(error)}`)
    }
  }
  try {
    return { engine: await createEngine('webgpu', options), reason: 'WebGPU found a GPU', warning: tried[0] }
  } catch (error) {
    if (!isAdapterTrainError(error, 'ENGINE_UNAVAILABLE')) tried.push(`WebGPU failed to start: ${messageOf(error)}`)
  }
  const warning = tried.length > 0 ? `${tried.join('; ')}; training runs on the CPU instead` : undefined
  return { engine: await createEngine('cpu'), reason: 'no GPU that can be used was found', warning }
}

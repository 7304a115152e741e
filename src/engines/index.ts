import { AdapterTrainError } from '../errors.js'
import type { Engine } from './engine.js'

/** What an engine is made with. */
export interface EngineOptions {
  /** Which device of the engine: a part of a WebGPU adapter's name or `software`; `gpu` or `cpu` for tfjs. */
  readonly device?: string
}

/** Every engine by name; an engine's code loads when it is first asked for. */
const ENGINES = {
  cpu: async () => (await import('./cpu/index.js')).createCpuEngine(),
  webgpu: async ({ device }) => (await import('./webgpu/engine.js')).createWebGpuEngine({ device }),
  tfjs: async ({ device }) => (await import('./tfjs/engine.js')).createTfjsEngine({ backend: tfjsBackend(device) }),
  js: async () => (await import('./js.js')).createJsEngine(),
} satisfies Record<string, (options: EngineOptions) => Promise<Engine>>

/** Name of an engine. */
export type EngineName = keyof typeof ENGINES

/** Names of all engines, in the order in which help shows them. */
export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[]

/** What `--engine` takes: an engine, or the choice left to {@link selectEngine}. */
export const ENGINE_CHOICES = ['auto', ...ENGINE_NAMES] as const

/**
 * Starts an engine.
 * @throws ENGINE_UNKNOWN when there is none of that name
 * @throws ENGINE_UNAVAILABLE when it cannot run on this machine
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
  throw new AdapterTrainError('USAGE', `the device of the engine tfjs must be gpu or cpu, found "${device}"`)
}

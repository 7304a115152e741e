import { isAdapterTrainError, messageOf } from '../errors.js'
import type { Engine } from './engine.js'
import { createEngine, type EngineOptions } from './index.js'

export interface SelectedEngine {
  readonly engine: Engine
  /** Why this one, in one line. */
  readonly reason: string
  /** Set when something that should have worked did not. */
  readonly warning?: string
}

/**
 * Starts the engine that `name` asks for; with `auto` tfjs-node-gpu where it is installed and sees a GPU, else WebGPU on a real
 * GPU, else the CPU.
 *
 * @throws ENGINE_UNKNOWN, ENGINE_UNAVAILABLE as `createEngine`; never ENGINE_UNAVAILABLE with `auto`
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

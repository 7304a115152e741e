import { AdapterTrainError } from '../errors.js'
import type { Engine } from './engine.js'

/** Every engine by name; an engine's code loads when it is first asked for. */
const ENGINES = {
  js: async () => (await import('./js.js')).createJsEngine(),
} satisfies Record<string, () => Promise<Engine>>

export type EngineName = keyof typeof ENGINES

export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[]

/**
 * Starts an engine.
 * @throws ENGINE_UNKNOWN when there is none of that name
 * @throws ENGINE_UNAVAILABLE when it cannot run on this machine
 */
export async function createEngine(name: string): Promise<Engine> {
  const start = (ENGINES as Record<string, () => Promise<Engine>>)[name]
  if (!start || !Object.hasOwn(ENGINES, name)) {
    throw new AdapterTrainError(
      'ENGINE_UNKNOWN',
      `there is no engine "${name}"; expected one of ${ENGINE_NAMES.join(', ')}`,
    )
  }
  return start()
}

import { createEngine } from '../dist/engines/index.js'
import { isSoftware } from '../dist/engines/webgpu/device.js'

/** Largest size at which plain TypeScript is measured unless it was asked for. */
const JS_LIMIT = { dim: 384, batch: 32 }

/** Engines that compute while the program goes on, so that only the end of a turn says how long its steps took. */
const ASYNCHRONOUS = new Set(['webgpu', 'tfjs'])

/**
 * Tries every engine that was asked for.
 * @param {import('./options.mjs').BenchOptions} options
 */
export async function findEngines({ engines, enginesGiven, device }) {
  const found = []
  const absent = []
  for (const name of engines) {
    const start = () => createEngine(name, name === 'webgpu' ? { device } : {})
    try {
      const engine = await start()
      const description = engine.description ?? 'plain TypeScript'
      engine.dispose()
      // A software adapter also comes from the environment's ADAPTER_TRAIN_DEVICE; its times say nothing of a GPU.
      if (name === 'webgpu' && device === undefined && isSoftware({ description })) {
        absent.push(`webgpu: only ${description}, which computes on the CPU`)
        continue
      }
      const everySize = name !== 'js' || enginesGiven
      found.push({
        name,
        description,
        start,
        asynchronous: ASYNCHRONOUS.has(name),
        /** Whether its memory and arithmetic are the CPU's, to which the floor applies. */
        onCpu: name === 'cpu' || name === 'js',
        runs: (dim, batch) => everySize || (dim <= JS_LIMIT.dim && batch <= JS_LIMIT.batch),
      })
    } catch (error) {
      absent.push(`${name}: ${error.message.replace(`${name}: `, '')}`)
    }
  }
  return { found, absent }
}

/** @typedef {Awaited<ReturnType<typeof findEngines>>['found'][number]} BenchEngine */

import { openCache } from '../../cache/sqlite-cache.js'
import type { Engine } from '../../engines/engine.js'
import { createEngine, selectEngine } from '../../engines/index.js'
import { listAdapters } from '../../engines/webgpu/device.js'
import { AdapterTrainError } from '../../errors.js'
import { matrix } from '../../math/matrix.js'

const LOCK_TIMEOUT_MS = 500

/** Probes, each run in a process of its own: native code and drivers may crash or hang. Answers travel as JSON. */
export const PROBES = {
  async engine(name: string) {
    const engine = await createEngine(name)
    await checkProduct(engine)
    return engine.description ?? 'plain TypeScript'
  },
  async auto() {
    const { engine, reason, warning } = await selectEngine('auto')
    engine.dispose()
    return { engine: engine.name, reason, warning }
  },
  adapters: listAdapters,
  async onnxruntime() {
    await import('onnxruntime-node')
    return true
  },
  async sqlite() {
    const { default: Database } = await import('better-sqlite3')
    new Database(':memory:').close()
    return true
  },
  async cache(file: string) {
    const cache = await openCache(file, { busyTimeoutMs: LOCK_TIMEOUT_MS })
    try {
      const { fileBytes, vectors, spaces } = cache.stats()
      const counted = spaces.map(({ key, dimensions, vectors: n }) => ({ key, dimensions, vectors: n }))
      return { bytes: fileBytes, vectors, spaces: counted }
    } finally {
      cache.close()
    }
  },
}

/** @throws ENGINE_UNAVAILABLE if the engine miscalculates; it is disposed of in any case */
async function checkProduct(engine: Engine): Promise<void> {
  try {
    const [a, b] = [matrix(1, 2, Float32Array.of(1, 2)), matrix(2, 1, Float32Array.of(3, 4))]
    const out = engine.alloc(1, 1)
    engine.gemm(engine.upload(a), engine.upload(b), out)
    const [value] = await engine.read(out)
    if (value === 11) return
    throw new AdapterTrainError('ENGINE_UNAVAILABLE', `the engine ${engine.name} computes 1 * 3 + 2 * 4 = ${value}`)
  } finally {
    engine.dispose()
  }
}

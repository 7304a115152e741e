import type { Adapter } from '../../src/adapters/adapter.js'
import { CLOSED_FORMS } from '../../src/adapters/closed-forms/index.js'
import { ADAPTER_KIND_NAMES, adapterMap } from '../../src/adapters/index.js'
import { encodeGate } from '../../src/adapters/linear-memory.js'
import { anchorAt } from '../../src/engines/engine.js'
import { matrix } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'

/** Every kind of map that an adapter file may hold: all but the closed forms, which give one of the others. */
export const SAMPLE_KINDS = ADAPTER_KIND_NAMES.filter(name => !Object.hasOwn(CLOSED_FORMS, name))

/**
 * A valid adapter of any kind with random weights around the identity map, the same for the same arguments.
 * @param outputs dimensions of the index, of another model
 */
export function sampleAdapter(kind: string, d = 12, size = 7, outputs?: number): Adapter {
  const random = createRandom(d)
  const specs = adapterMap(kind).params(d, size, outputs)
  const params = Object.fromEntries(
    specs.map(({ name, rows, cols, anchor }) => {
      const m = matrix(rows, cols)
      for (let i = 0; i < m.data.length; i++) {
        m.data[i] = anchorAt(anchor, i, cols) + (0.5 * random.normal()) / Math.sqrt(d)
      }
      return [name, m]
    }),
  )
  if (params.gate) params.gate = encodeGate({ beta: 0.7, kappa: 20, z0: 0.5, mu: 0.1, sigma: 0.3 })
  return {
    kind,
    base: { id: 'openai/text-embedding-3-small@12', dimensions: d, normalized: true },
    ...(outputs && { index: { id: 'cohere/embed-v4.0', dimensions: outputs, metric: 'cosine' } }),
    training: {
      tool: 'adapter-train 0.1.0',
      date: '2024-05-06T07:08:09.000Z',
      data: { name: 'Fragen & "Antworten" — café', queries: 7 },
      options: { epochs: 4 },
      metrics: { adapted: { 'ndcg@10': 0.5 } },
      gate: { passed: true },
    },
    params,
  }
}

/** Query vectors of length about 1. */
export function sampleQueries(count: number, d: number): Float32Array[] {
  const random = createRandom(count)
  return Array.from({ length: count }, () => Float32Array.from({ length: d }, () => random.normal() / Math.sqrt(d)))
}

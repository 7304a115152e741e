import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { normalizeInPlace } from '../../src/math/matrix.js'
import { customProvider } from '../../src/providers/custom.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { fakeVector } from '../helpers/fake-vector.js'

/** Length of the vectors of the fake service. */
export const d = 8

/** An adapter for the fake service's model, to fewer dimensions where `outputs` says so. */
export function sample({ outputs = d, id = 'openai/text-embedding-3-small' } = {}): Adapter {
  return {
    kind: 'linear',
    base: { id, dimensions: d, normalized: true },
    training: { tool: 'test', date: '2024-01-01T00:00:00Z', data: {}, options: {}, metrics: {} },
    params: { W: randomMatrix(outputs, d, 3), b: randomMatrix(1, outputs, 4) },
  }
}

/** The base's vector, which documents have to keep. */
export const plain = (text: string): number[] => Array.from(fakeVector(text, d))

/** What a query has to become. */
export const adapted = (text: string, adapter = sample()): number[] => Array.from(applyAdapter(adapter, fakeVector(text, d)))

/** What a document has to become under an adapter to fewer dimensions. */
export const start = (text: string, outputs: number): number[] =>
  Array.from(normalizeInPlace(fakeVector(text, d).slice(0, outputs)))

/** A provider of this package that gives the same vectors. */
export const provider = () =>
  customProvider({
    id: 'openai/text-embedding-3-small',
    dimensions: d,
    embed: async texts => texts.map(text => fakeVector(text, d)),
  })

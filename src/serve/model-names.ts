import type { AdapterSet, LoadedAdapter } from './adapter-set.js'
import { ApiError, badRequest } from './errors.js'

/** The target of a request: the upstream's own vectors, or adapted ones. */
export interface Target {
  readonly model: string
  /** Absent for documents. */
  readonly adapter?: LoadedAdapter
}

export type ModelNames = ReturnType<typeof createModelNames>

/** Makes the names of a model and its adapters. `name`: the plain name. `id`: the provider's, also accepted. */
export function createModelNames(name: string, id: string, adapters: AdapterSet) {
  const all = [name, ...['query', ...adapters.names].map(suffix => `${name}:${suffix}`)]
  return {
    /** The plain name, then one per adapted model. */
    all,
    /** `model`: `<model>`, `<model>:query` for the first adapter, or `<model>:<adapter>`. */
    resolve(model: unknown): Target {
      if (typeof model !== 'string' || model === '') throw badRequest('model', 'expected "model" to be the name of a model')
      for (const plain of [name, id]) {
        if (model === plain) return { model }
        if (!model.startsWith(`${plain}:`)) continue
        const suffix = model.slice(plain.length + 1)
        const adapter = adapters.get(suffix === 'query' ? undefined : suffix)
        if (adapter) return { model, adapter }
      }
      const asked = model.length > 100 ? `${model.slice(0, 100)}...` : model
      throw new ApiError(404, 'model_not_found', `expected one of the models ${all.join(', ')}, found "${asked}"`, {
        param: 'model',
      })
    },
    /** Puts the first adapter in front of a plain model. */
    adapted: (target: Target): Target => (target.adapter ? target : { ...target, adapter: adapters.get() }),
  }
}

/** Headers of an answer: whether its vectors are adapted, and by which adapter. */
export function adapterHeaders({ adapter }: Target): Record<string, string> {
  if (!adapter) return { 'x-embedding-role': 'document' }
  return { 'x-embedding-role': 'query', 'x-adapter': adapter.name, 'x-adapter-version': adapter.version }
}

import type { AdapterSet, LoadedAdapter } from './adapter-set.js'
import { ApiError } from './api-error.js'

/** What a request asks for: the upstream's own vectors, or adapted ones. */
export interface Target {
  /** As the client wrote it. */
  readonly model: string
  /** Absent for documents. */
  readonly adapter?: LoadedAdapter
}

/** The names under which the models are there. */
export interface ModelNames {
  /** The plain name, then one for each adapted model. */
  readonly all: readonly string[]
  /**
   * @param model `<model>`, `<model>:query` for the first adapter, or `<model>:<adapter>`
   * @returns the target, with the adapter as it is now
   * @throws ApiError 400 when it is no text, 404 when there is no such model
   */
  resolve(model: unknown): Target
  /** The first adapter in front of a plain model. */
  adapted(target: Target): Target
}

/**
 * @param name the plain name
 * @param id the provider's, which is understood as well
 */
export function createModelNames(name: string, id: string, adapters: AdapterSet): ModelNames {
  const all = [name, ...['query', ...adapters.names].map(suffix => `${name}:${suffix}`)]
  return {
    all,
    resolve(model) {
      if (typeof model !== 'string' || model === '') {
        throw new ApiError(400, 'invalid_model', 'expected "model" to be the name of a model', { param: 'model' })
      }
      for (const plain of [name, id]) {
        if (model === plain) return { model }
        if (!model.startsWith(`${plain}:`)) continue
        const suffix = model.slice(plain.length + 1)
        const adapter = adapters.get(suffix === 'query' ? undefined : suffix)
        if (adapter) return { model, adapter }
      }
      const asked = model.length > 100 ? `${model.slice(0, 100)}...` : model
      throw new ApiError(404, 'model_not_found', `there is no model "${asked}" here; there is ${all.join(', ')}`, {
        param: 'model',
      })
    },
    adapted: target => (target.adapter ? target : { ...target, adapter: adapters.get() }),
  }
}

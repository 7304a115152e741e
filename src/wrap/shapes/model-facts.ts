import type { KnownModel } from '../adapter-source.js'

/** What an object of another library says of the model behind it. */
export function modelFacts(object: object): KnownModel {
  const { id, dimensions, model } = object as { readonly [key: string]: unknown }
  return {
    // A LlamaIndex embedding has an id of its own, which names the object and not the model.
    id: typeof id === 'string' && typeof object !== 'function' ? id : undefined,
    dimensions: typeof dimensions === 'number' ? dimensions : undefined,
    name: typeof model === 'string' ? model : undefined,
  }
}

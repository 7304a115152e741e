import type { Scratch } from '../adapters/kind.js'
import type { Engine, Tensor } from '../engines/engine.js'

/** Tensors that are made when first asked for and reused from then on: one for each name and shape. */
export function createBuffers(engine: Engine): { readonly scratch: Scratch; free(): void } {
  const tensors = new Map<string, Tensor>()
  return {
    scratch(name, rows, cols) {
      const key = `${name} ${rows} ${cols}`
      let tensor = tensors.get(key)
      if (!tensor) {
        tensor = engine.alloc(rows, cols)
        tensors.set(key, tensor)
      }
      return tensor
    },
    free() {
      for (const tensor of tensors.values()) engine.free(tensor)
      tensors.clear()
    },
  }
}

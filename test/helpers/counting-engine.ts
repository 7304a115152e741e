import type { Engine, Tensor } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'

/** A js engine that knows which of its tensors are held, and refuses to free one twice. */
export function countingEngine() {
  const held = new Set<Tensor>()
  const count = { made: 0, disposed: 0 }
  const js = createJsEngine()
  const make = (t: Tensor): Tensor => {
    count.made++
    held.add(t)
    return t
  }
  const engine: Engine = {
    ...js,
    upload: m => make(js.upload(m)),
    alloc: (rows, cols) => make(js.alloc(rows, cols)),
    free(t) {
      if (!held.delete(t)) throw new Error('freed a tensor that is not held')
      js.free(t)
    },
    dispose() {
      count.disposed++
    },
  }
  return { engine, held, count }
}

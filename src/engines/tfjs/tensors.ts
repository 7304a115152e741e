import type { Tensor2D } from '@tensorflow/tfjs-core'
import { AdapterTrainError, messageOf } from '../../errors.js'
import type { Tensor } from '../engine.js'
import type { Tf } from './load.js'

/** A tensor of the engine; a write replaces `value`, as tfjs's tensors are immutable. */
interface Stored extends Tensor {
  value: Tensor2D
}

interface View extends Tensor {
  readonly parent: Stored
  readonly start: number
}

export type Tensors = ReturnType<typeof createTensors>

/** Keeps the engine's tensors and frees what tfjs would keep. */
export function createTensors(tf: Tf) {
  const all = new Set<Stored>()

  const isView = (t: Tensor): t is View => 'parent' in t

  /** The value now; for a view a new slice, so that calls belong inside {@link write}. */
  const get = (t: Tensor): Tensor2D =>
    isView(t) ? tf.slice(t.parent.value, [t.start, 0], [t.rows, t.cols]) : (t as Stored).value

  const set = (t: Tensor, value: Tensor2D): void => {
    const target = isView(t) ? t.parent : (t as Stored)
    const old = target.value
    target.value = isView(t) ? compute(tf, () => replaceRows(tf, old, t.start, value)) : value
    if (isView(t)) value.dispose()
    old.dispose()
  }

  return {
    get,

    /** Computes new values with every intermediate freed, and stores them. */
    write<K extends string>(outs: Record<K, Tensor>, values: () => Record<K, Tensor2D>): void {
      const computed = compute(tf, values)
      for (const key in outs) set(outs[key], computed[key])
    },

    create(rows: number, cols: number, value: () => Tensor2D): Tensor {
      const stored: Stored = { rows, cols, value: compute(tf, value) }
      all.add(stored)
      return stored
    },

    view(t: Tensor, start: number, count: number): Tensor {
      const [parent, first] = isView(t) ? [t.parent, t.start] : [t as Stored, 0]
      const view: View = { rows: count, cols: t.cols, parent, start: first + start }
      return view
    },

    /** The values at this moment, whatever is written or freed before they arrive. */
    async read(t: Tensor): Promise<Float32Array> {
      const now = compute(tf, () => (isView(t) ? get(t) : tf.clone(get(t))))
      try {
        return ((await now.data()) as Float32Array).slice()
      } catch (error) {
        throw asMemoryError(error)
      } finally {
        now.dispose()
      }
    },

    free(t: Tensor): void {
      const stored = t as Stored
      if (all.delete(stored)) stored.value.dispose()
    },

    dispose(): void {
      for (const stored of all) stored.value.dispose()
      all.clear()
    },
  }
}

function replaceRows(tf: Tf, old: Tensor2D, start: number, rows: Tensor2D): Tensor2D {
  const [count, cols] = old.shape
  const end = start + rows.shape[0]
  const parts = [rows]
  if (start > 0) parts.unshift(tf.slice(old, [0, 0], [start, cols]))
  if (end < count) parts.push(tf.slice(old, [end, 0], [count - end, cols]))
  return parts.length === 1 ? tf.clone(rows) : tf.concat(parts, 0)
}

function compute<T extends Tensor2D | Record<string, Tensor2D>>(tf: Tf, values: () => T): T {
  try {
    return tf.tidy(values)
  } catch (error) {
    throw asMemoryError(error)
  }
}

/** Turns TensorFlow's exhaustion into ENGINE_MEMORY; other errors stay. */
function asMemoryError(error: unknown): unknown {
  if (!/\bOOM\b|out of memory|resource ?exhausted/i.test(messageOf(error))) return error
  return new AdapterTrainError(
    'ENGINE_MEMORY',
    `the tfjs engine ran out of device memory: ${messageOf(error)}; lower the batch size or the block size, or use the cpu engine`,
    { cause: error },
  )
}

import type { Tensor2D } from '@tensorflow/tfjs-core'
import type { Engine, OnlineSoftmaxOptions, SparseRows } from '../engine.js'
import type { Tf } from './load.js'
import type { Tensors } from './tensors.js'

/** Makes AdamW on tfjs, which has no fused update: one tidy of a dozen operations. */
export function createAdamW(
  tf: Tf,
  { get, write }: Tensors,
  identity: (rows: number, cols: number) => Tensor2D,
): Engine['adamw'] {
  return (param, grad, m, v, o) =>
    write({ param, m, v }, () => {
      const p = get(param)
      const distance = (): Tensor2D => {
        if (o.anchor === 'zero') return p
        return tf.sub(p, o.anchor === 'one' ? 1 : identity(param.rows, param.cols))
      }
      let g = get(grad)
      if (o.clip) {
        const norm = tf.add(tf.sqrt(get(o.clip.squaredNorm)), 1e-6)
        g = tf.mul(g, tf.minimum(tf.div(o.clip.max, norm), 1))
      }
      if (o.l2 !== 0) g = tf.add(g, tf.mul(distance(), o.l2))

      const m1 = tf.add<Tensor2D>(tf.mul(get(m), o.beta1), tf.mul(g, 1 - o.beta1))
      const v1 = tf.add<Tensor2D>(tf.mul(get(v), o.beta2), tf.mul(tf.square(g), 1 - o.beta2))
      const mhat = tf.div<Tensor2D>(m1, 1 - o.beta1 ** o.step)
      const vhat = tf.div<Tensor2D>(v1, 1 - o.beta2 ** o.step)
      let step = tf.div<Tensor2D>(mhat, tf.add(tf.sqrt(vhat), o.eps))
      if (o.decay !== 0) step = tf.add(step, tf.mul(distance(), o.decay))
      return { param: tf.sub<Tensor2D>(p, tf.mul(step, o.lr)), m: m1, v: v1 }
    })
}

/** Logit of a masked column: the lowest that leaves room for arithmetic in float32. */
const MASKED = -3e38
/** Below every real logit and far above {@link MASKED}: exp(MASKED - FLOOR) is 0, exp(MASKED - MASKED) would be 1. */
const FLOOR = -1e38

/** Makes softmax cross-entropy on tfjs: dense arithmetic, with targets and masks scattered into [B, P]. */
export function createSoftmax(
  tf: Tf,
  { get, write }: Tensors,
): Pick<Engine, 'softmaxCrossEntropy' | 'onlineSoftmax' | 'finishSoftmax'> {
  /** scale * scores + offset, and {@link MASKED} where masked. */
  const logitsOf = (scores: Tensor2D, options: OnlineSoftmaxOptions): Tensor2D => {
    let logits = tf.mul<Tensor2D>(scores, options.scale)
    if (options.offset) logits = tf.add(logits, get(options.offset))
    if (!options.masked?.columns.length) return logits
    const masks = scatter(tf, options.masked, scores.shape, () => MASKED)
    // A column may be masked twice.
    return tf.maximum(tf.add(logits, masks), MASKED)
  }

  return {
    softmaxCrossEntropy(scores, options, loss) {
      write({ scores, loss }, () => {
        const logits = logitsOf(get(scores), options)
        const shifted = tf.sub<Tensor2D>(logits, tf.max(logits, 1, true)) // [B, P]
        const e = tf.exp(shifted)
        const sum = tf.sum<Tensor2D>(e, 1, true) // [B, 1]
        const w = scatter(tf, options.targets, logits.shape, weightOf(options.targets)) // [B, P]
        const weight = tf.sum<Tensor2D>(w, 1, true)
        const lost = tf.mul<Tensor2D>(w, tf.sub(tf.log(sum), shifted))
        const gradient = tf.sub<Tensor2D>(tf.mul(e, tf.div(weight, sum)), w)
        return {
          scores: tf.mul<Tensor2D>(gradient, options.gradientScale * options.scale),
          loss: tf.sum<Tensor2D>(lost, 1, true),
        }
      })
    },

    onlineSoftmax(scores, options, top, sum, acc) {
      write({ scores, top, sum, acc }, () => {
        const logits = logitsOf(get(scores), options)
        const after = tf.maximum<Tensor2D>(get(top), tf.max(logits, 1, true))
        const e = tf.exp(tf.sub<Tensor2D>(logits, tf.maximum(after, FLOOR)))
        const r = tf.exp(tf.sub<Tensor2D>(get(top), after))
        return {
          scores: e,
          top: after,
          sum: tf.add<Tensor2D>(tf.mul(get(sum), r), tf.sum(e, 1, true)),
          acc: tf.mul<Tensor2D>(get(acc), r),
        }
      })
    },

    finishSoftmax(z, pool, options, top, sum, acc, loss) {
      write({ acc, loss }, () => {
        const queries = get(z)
        const docs = get(pool)
        const offset = options.offset ? tf.reshape(get(options.offset), [-1, 1]) : undefined // [P, 1]
        const logSum = tf.add<Tensor2D>(get(top), tf.log(get(sum)))
        let weight: Tensor2D = tf.zerosLike(logSum)
        let lost: Tensor2D = tf.zerosLike(logSum)
        let pulled: Tensor2D = tf.zerosLike(queries)
        // One target of every row at a time: sums in a fixed order, which a scattered sum on a GPU would not keep.
        for (const { columns, values } of slots(options.targets)) {
          const w = tf.tensor2d(values, [values.length, 1])
          const rows = tf.tensor1d(columns, 'int32')
          const d = tf.gather(docs, rows) // [B, d]
          let logit = tf.mul<Tensor2D>(tf.sum(tf.mul(queries, d), 1, true), options.scale)
          if (offset) logit = tf.add(logit, tf.gather(offset, rows))
          weight = tf.add(weight, w)
          lost = tf.add(lost, tf.mul(w, tf.sub(logSum, logit)))
          pulled = tf.add(pulled, tf.mul(w, d))
        }
        const pushed = tf.mul<Tensor2D>(get(acc), tf.div(weight, get(sum)))
        return { acc: tf.mul<Tensor2D>(tf.sub(pushed, pulled), options.gradientScale * options.scale), loss: lost }
      })
    },
  }
}

const weightOf = (rows: SparseRows) => (entry: number) => rows.values?.[entry] ?? 1

/** Compressed rows as a dense tensor, zero elsewhere. */
function scatter(tf: Tf, rows: SparseRows, shape: [number, number], value: (entry: number) => number): Tensor2D {
  const entries = rows.offsets[shape[0]]
  if (entries === 0) return tf.zeros(shape)
  const at = new Int32Array(entries * 2)
  const values = new Float32Array(entries)
  for (let i = 0; i < shape[0]; i++) {
    for (let entry = rows.offsets[i]; entry < rows.offsets[i + 1]; entry++) {
      at[entry * 2] = i
      at[entry * 2 + 1] = rows.columns[entry]
      values[entry] = value(entry)
    }
  }
  return tf.scatterND(tf.tensor2d(at, [entries, 2], 'int32'), tf.tensor1d(values), shape) as Tensor2D
}

/** The first entry of every row, then the second, and so on; a row that has no more takes column 0 with weight 0. */
function* slots(rows: SparseRows): Generator<{ columns: Int32Array; values: Float32Array }> {
  const { offsets } = rows
  const count = offsets.length - 1
  let most = 0
  for (let i = 0; i < count; i++) most = Math.max(most, offsets[i + 1] - offsets[i])
  for (let k = 0; k < most; k++) {
    const columns = new Int32Array(count)
    const values = new Float32Array(count)
    for (let i = 0; i < count; i++) {
      const entry = offsets[i] + k
      if (entry >= offsets[i + 1]) continue
      columns[i] = rows.columns[entry]
      values[i] = weightOf(rows)(entry)
    }
    yield { columns, values }
  }
}

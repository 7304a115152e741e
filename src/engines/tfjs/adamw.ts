import type { Tensor2D } from '@tensorflow/tfjs-core'
import type { Engine } from '../engine.js'
import type { Tf } from './load.js'
import type { Tensors } from './tensors.js'

/** AdamW on tfjs: one tidy of a dozen operations, since tfjs has no fused update. */
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
      if (o.clip) g = tf.mul(g, clipFactor(tf, get(o.clip.squaredNorm), o.clip.max))
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

function clipFactor(tf: Tf, squaredNorm: Tensor2D, max: number): Tensor2D {
  return tf.minimum(tf.div(max, tf.add(tf.sqrt(squaredNorm), 1e-6)), 1)
}

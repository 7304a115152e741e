import type { Tensor2D } from '@tensorflow/tfjs-core'
import { getOrInsert } from '../../maps.js'
import type { DescribedEngine, GemmOptions } from '../engine.js'
import { MIN_NORM } from '../js.js'
import { loadTfjs, start, type Tf, type TfjsBackend } from './load.js'
import { createAdamW, createSoftmax } from './operations.js'
import { createTensors } from './tensors.js'

type TfjsEngineOptions = { readonly backend?: TfjsBackend; readonly tf?: unknown }

/** An engine on TensorFlow.js; `gpu` is true if it runs on one. */
export type TfjsEngine = DescribedEngine & { readonly gpu: boolean }

/** Starts the engine on tfjs-node-gpu (CUDA) or tfjs-node, in float32. Writing to a view copies the rows around it. */
export async function createTfjsEngine(options: TfjsEngineOptions = {}): Promise<TfjsEngine> {
  const backend = options.backend ?? 'auto'
  const given = options.tf as Tf | undefined
  const loaded = given ? { tf: given, package: 'tfjs', ...(await start(given, backend)) } : await loadTfjs(backend)
  const { tf, gpu } = loaded
  const tensors = createTensors(tf)
  const { get, write } = tensors
  const identities = new Map<string, Tensor2D>()

  return {
    name: 'tfjs',
    description: `${loaded.package} ${tf.version_core}, backend ${loaded.backend}, on the ${gpu ? 'GPU' : 'CPU'}`,
    gpu,

    upload: m => tensors.create(m.rows, m.cols, () => tf.tensor2d(m.data.slice(), [m.rows, m.cols])),
    alloc: (rows, cols) => tensors.create(rows, cols, () => tf.zeros([rows, cols])),
    view: tensors.view,
    free: tensors.free,
    read: tensors.read,
    async sync() {
      // The device works in order, so that a value that it computes now arrives after all else.
      const last = tf.tidy(() => tf.add(tf.zeros([1]), 1))
      await last.data()
      last.dispose()
      await new Promise(resolve => setImmediate(resolve))
    },
    dispose() {
      tensors.dispose()
      for (const eye of identities.values()) eye.dispose()
      identities.clear()
    },

    gatherRows(source, rows, out) {
      write({ out }, () => ({ out: tf.gather<Tensor2D>(get(source), tf.tensor1d(Int32Array.from(rows), 'int32')) }))
    },
    gemm(a, b, out, { transposeA, transposeB, alpha = 1, beta = 0 }: GemmOptions = {}) {
      write({ out }, () => {
        let product = tf.matMul<Tensor2D>(get(a), get(b), transposeA, transposeB)
        if (alpha !== 1) product = tf.mul(product, alpha)
        if (beta !== 0) product = tf.add(product, beta === 1 ? get(out) : tf.mul(get(out), beta))
        return { out: product }
      })
    },
    multiply: (a, b, out) => write({ out }, () => ({ out: tf.mul<Tensor2D>(get(a), get(b)) })),
    relu: (x, out) => write({ out }, () => ({ out: tf.relu<Tensor2D>(get(x)) })),
    reluBackward(y, grad, out) {
      write({ out }, () => {
        const g = get(grad)
        return { out: tf.where(tf.greater(get(y), 0), g, tf.zerosLike(g)) }
      })
    },
    addRowVector: (x, v) => write({ x }, () => ({ x: tf.add<Tensor2D>(get(x), get(v)) })),
    sumRows: (x, out) => write({ out }, () => ({ out: tf.sum<Tensor2D>(get(x), 0, true) })),
    normalizeRows(x, out, norms) {
      write({ out, norms }, () => {
        const rows = get(x)
        const n = tf.maximum<Tensor2D>(tf.sqrt(tf.sum(tf.square(rows), 1, true)), MIN_NORM)
        return { out: tf.div<Tensor2D>(rows, n), norms: n }
      })
    },
    normalizeRowsBackward(unit, norms, grad, out) {
      write({ out }, () => {
        const z = get(unit)
        const g = get(grad)
        const along = tf.sum(tf.mul(g, z), 1, true)
        return { out: tf.div<Tensor2D>(tf.sub(g, tf.mul(z, along)), get(norms)) }
      })
    },
    ...createSoftmax(tf, tensors),
    squaredNorm(x, out, accumulate) {
      write({ out }, () => {
        const sum = tf.reshape(tf.sum(tf.square(get(x))), [1, 1]) as Tensor2D
        return { out: accumulate ? tf.add<Tensor2D>(get(out), sum) : sum }
      })
    },
    addSum(x, out) {
      write({ out }, () => ({ out: tf.add<Tensor2D>(get(out), tf.reshape(tf.sum(get(x)), [1, 1])) }))
    },
    fill: (x, value) => write({ x }, () => ({ x: tf.fill([x.rows, x.cols], value, 'float32') as Tensor2D })),
    adamw: createAdamW(tf, tensors, (rows, cols) =>
      getOrInsert(identities, `${rows} x ${cols}`, () => tf.keep(tf.eye(rows, cols))),
    ),
  }
}

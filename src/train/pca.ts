import type { Engine } from '../engines/engine.js'
import { withEngine } from '../engines/index.js'
import { product } from '../engines/product.js'
import { usageError } from '../errors.js'
import { filled, type Matrix, matrix } from '../math/matrix.js'
import type { Projection } from '../math/projection.js'
import { createRandom, sampleRows } from '../math/random.js'
import { blocksOf, type Rows, rowRange, selectedRows } from '../math/row-source.js'
import { symmetricEigen } from '../math/symmetric-eigen.js'
import { topSpace } from './bridge/linear-fits.js'
import { TRAIN_DEFAULTS } from './options.js'

/** Documents that the covariance is computed from, at most: an eighth of a million tells no more of a few hundred directions. */
const MOST_DOCUMENTS = 50_000
/** Dimensions up to which all eigenvectors are computed; above, those of the space in which documents vary most. */
const MOST_EXACT = 512
/** Directions of that space besides those wanted, and steps of the iteration that finds it. */
const BESIDES = 64
const SPACE_STEPS = 12

/**
 * Finds the first principal components of documents. The projection is linear, P x without the mean, so that it can be folded into W;
 * on the sets of docs/compose.md, documents without their mean were found worse.
 *
 * @param documents [n, d]
 * @param dimensions less than d, and than n
 * @throws USAGE for any other number
 */
export async function fitPca(
  documents: Rows,
  dimensions: number,
  { seed = TRAIN_DEFAULTS.seed }: { readonly seed?: number } = {},
): Promise<Projection> {
  const { rows: n, cols: d } = documents
  const most = Math.min(d, n) - 1
  if (!Number.isSafeInteger(dimensions) || dimensions < 1 || dimensions > most) {
    const problem = `expected a whole number from 1 to ${most}, for ${n} documents of ${d} dimensions, found ${dimensions}`
    throw usageError(`pca: ${problem}`)
  }
  const sample = selectedRows(documents, sampleRows(rowRange(0, n), MOST_DOCUMENTS, createRandom(seed)))
  return withEngine({ engine: 'cpu' }, async ({ engine }) => {
    const P = await components(engine, await covariance(engine, sample), d, dimensions, seed)
    return { shape: [dimensions, d], data: Buffer.from(Float32Array.from(P).buffer).toString('base64') }
  })
}

/** Returns the covariance [d, d], in one pass for the mean and one for the products. */
async function covariance(engine: Engine, documents: Rows): Promise<Float64Array> {
  const { rows: n, cols: d } = documents
  const mean = new Float64Array(d)
  for (const { block } of blocksOf(documents))
    block.data.forEach((x, i) => {
      mean[i % d] += x / n
    })
  const C = new Float64Array(d * d)
  for (const { block } of blocksOf(documents)) {
    const centred = filled(block.rows, d, k => block.data[k] - mean[k % d])
    const part = await product(engine, centred, centred, { transposeA: true })
    part.data.forEach((x, i) => {
      C[i] += x / n
    })
  }
  return C
}

/** Returns the eigenvectors [count, d] of the largest eigenvalues. */
async function components(engine: Engine, C: Float64Array, d: number, count: number, seed: number) {
  const single = matrix(d, d, Float32Array.from(C))
  const rank = count + BESIDES
  const multiply = (X: Matrix) => product(engine, single, X, {})
  const V = d > MOST_EXACT && rank < d ? await topSpace(engine, multiply, d, rank, seed, SPACE_STEPS) : undefined
  if (!V) return symmetricEigen(C, d, count).vectors
  // The same of the covariance inside that space, and back.
  const inside = await product(engine, V, await multiply(V), { transposeA: true })
  const { vectors } = symmetricEigen(Float64Array.from(inside.data), rank, count)
  return (await product(engine, matrix(count, rank, Float32Array.from(vectors)), V, { transposeB: true })).data
}

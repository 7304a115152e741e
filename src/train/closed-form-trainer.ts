import { throwIfAborted } from '../abort.js'
import type { ClosedForm } from '../adapters/closed-forms/closed-form.js'
import type { Weights } from '../adapters/kind.js'
import { type EmbeddedDataset, labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { product } from '../engines/product.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { firstNonFinite, matrix, normalizedRows, row, takeRows } from '../math/matrix.js'
import { isInMemory, type Rows, toMatrix } from '../math/row-source.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'

/**
 * Fits a closed form; the loss is the mean of |W q - t|^2 after the fit.
 *
 * Only directions matter: queries and documents have unit length here, and a query's target is the mean of its positives, weighted
 * by their grades.
 */
export async function fitClosedForm(
  engine: Engine,
  data: EmbeddedDataset,
  form: ClosedForm,
  { pull = form.defaultPull, signal }: { readonly pull?: number; readonly signal?: AbortSignal },
): Promise<{ loss: number; weights: Weights }> {
  throwIfAborted(signal, 'training was stopped')
  const { Q, T, weight } = regressionPairs(data)
  const W = await form.fit(engine, Q, T, pull)
  const Z = await product(engine, Q, W, { transposeB: true })
  const loss = Z.data.reduce((sum, z, k) => sum + (z - T.data[k]) ** 2, 0) / weight
  throwIfAborted(signal, 'training was stopped')
  if (!Number.isFinite(loss) || firstNonFinite(W.data) >= 0) {
    throw new AdapterTrainError(
      'TRAIN_DIVERGED',
      `the weights of ${form.name} are not finite; give a larger --pull (${pull})`,
    )
  }
  return { loss, weights: { W, b: matrix(1, W.rows) } }
}

/** Brings all vectors into memory, where a closed form needs them. */
export function inMemory(data: EmbeddedDataset<Rows>, method: string, memory = MEMORY_DEFAULT): EmbeddedDataset {
  const { queries, docs } = data
  const bytes = 4 * (queries.rows * queries.cols + docs.rows * docs.cols)
  if (bytes > memory && !(isInMemory(queries) && isInMemory(docs))) {
    const [needed, given] = [bytes, memory].map(n => (n / 1e9).toFixed(1))
    throw usageError(
      `the adapter kind "${method}" needs all vectors in memory, ${needed} GB, but may take ${given} GB; give more --memory or train another kind`,
    )
  }
  return { ...data, queries: toMatrix(queries), docs: toMatrix(docs) }
}

/** Selects the queries with a positive, [n, d], and their targets, [n, d]. */
function regressionPairs({ queries, docs, positives, weights }: EmbeddedDataset) {
  const rows = labelledRows({ positives })
  const units = normalizedRows(docs)
  const T = matrix(rows.length, docs.cols)
  rows.forEach((query, i) => {
    const target = row(T, i)
    let total = 0
    for (const grade of positives[query].values()) total += grade
    for (const [doc, grade] of positives[query]) {
      const d = row(units, doc)
      for (let j = 0; j < d.length; j++) target[j] += (grade / total) * d[j]
    }
  })
  const Q = normalizedRows(takeRows(queries, rows))
  if (!weights) return { Q, T, weight: rows.length }
  // w |W q - t|^2 is |W q' - t'|^2 for q and t times the root of w.
  rows.forEach((query, i) => {
    const root = Math.sqrt(weights[query])
    for (const m of [Q, T]) for (let j = 0; j < m.cols; j++) m.data[i * m.cols + j] *= root
  })
  return { Q, T, weight: rows.reduce((sum, query) => sum + weights[query], 0) }
}

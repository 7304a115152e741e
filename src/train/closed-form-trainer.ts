import type { ClosedForm } from '../adapters/closed-forms/closed-form.js'
import { product } from '../adapters/closed-forms/product.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import { firstNonFinite, type Matrix, matrix, normalizedRows, row, takeRows } from '../math/matrix.js'
import { throwIfAborted } from '../throw-if-aborted.js'
import type { Trainer } from './trainer.js'

export interface ClosedFormOptions {
  /** Strength of the pull to the identity map; the closed form's own by default. */
  readonly pull?: number
  readonly signal?: AbortSignal
  readonly onStep?: (step: number, steps: number) => void
}

/**
 * A trainer whose only epoch fits a closed form, with the mean of |W q - t|^2 after the fit for its loss.
 *
 * Only directions matter, so that queries and documents count with length 1; a query's target is the mean of its positives,
 * weighted by their grades.
 */
export function createClosedFormTrainer(
  engine: Engine,
  data: EmbeddedDataset,
  form: ClosedForm,
  { pull = form.defaultPull, signal, onStep }: ClosedFormOptions = {},
): Trainer {
  return {
    steps: 1,
    async epoch() {
      throwIfAborted(signal, 'training was stopped')
      const { Q, T, weight } = regressionPairs(data)
      const W = await form.fit(engine, Q, T, pull)
      const loss = (await squaredError(engine, W, Q, T)) / weight
      throwIfAborted(signal, 'training was stopped')
      if (!Number.isFinite(loss) || firstNonFinite(W.data) >= 0) {
        throw new AdapterTrainError(
          'TRAIN_DIVERGED',
          `the weights that ${form.name} gives are not finite; give a larger --pull (${pull})`,
        )
      }
      onStep?.(1, 1)
      return { loss, weights: { W, b: matrix(1, W.rows) } }
    },
    free: () => {},
  }
}

/** Queries that have a positive, [n, d], and their targets, [n, d]. */
function regressionPairs({ queries, docs, positives, weights }: EmbeddedDataset): {
  Q: Matrix
  T: Matrix
  weight: number
} {
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

async function squaredError(engine: Engine, W: Matrix, Q: Matrix, T: Matrix): Promise<number> {
  const Z = await product(engine, Q, W, { transposeB: true })
  let sum = 0
  for (let k = 0; k < Z.data.length; k++) sum += (Z.data[k] - T.data[k]) ** 2
  return sum
}

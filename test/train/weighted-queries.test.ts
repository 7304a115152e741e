import { describe, expect, test } from 'vitest'
import { CLOSED_FORMS } from '../../src/adapters/closed-forms/index.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createJsEngine } from '../../src/engines/js.js'
import { NEGATIVES, type NegativesName } from '../../src/losses/index.js'
import { dot, type Matrix, normalizedRows, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { createTrainer, fitClosedForm } from '../../src/train/trainer.js'
import { withQueries } from '../../src/train/tune/sample.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { embedded } from '../helpers/embedded.js'

const WEIGHTS = [1, 3, 2, 1, 2]
const D = 6
/** Query 0 has two positives of different grade; document 7 is a copy of document 1. */
const plain = embedded({
  queries: randomMatrix(5, D, 1),
  docs: randomMatrix(9, D, 2),
  positives: [[0, [5, 3]], [1], [2], [3], [4]],
  docTextGroup: [0, 1, 2, 3, 4, 5, 6, 1, 8],
})
const weighted: EmbeddedDataset = { ...plain, weights: Float32Array.from(WEIGHTS) }
const repeated = {
  ...withQueries(
    plain,
    WEIGHTS.flatMap((times, query) => new Array<number>(times).fill(query)),
  ),
}

/** Sum over the batches of one epoch of -sum_t w_t log p_t at the identity map, in double precision. */
function summedLoss(data: EmbeddedDataset, negatives: NegativesName, scale: number): number {
  const [units, docs] = [normalizedRows(data.queries), normalizedRows(data.docs)]
  let sum = 0
  for (const batch of NEGATIVES[negatives].create(data, { ...TRAIN_DEFAULTS, batchSize: 64 }).epoch(createRandom(1))) {
    const columns = [...(batch.pool ?? []), ...batch.documentRows]
    batch.queryRows.forEach((query, i) => {
      const { offsets, columns: targets, values } = batch.targets
      const masked = new Set(batch.masked.columns.subarray(batch.masked.offsets[i], batch.masked.offsets[i + 1]))
      const logits = columns.map((document, column) =>
        masked.has(column)
          ? Number.NEGATIVE_INFINITY
          : scale * dot(row(units, query), row(docs, document)) + (batch.offset?.[column] ?? 0),
      )
      const logSum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0))
      for (let e = offsets[i]; e < offsets[i + 1]; e++) sum += (values?.[e] ?? 1) * (logSum - logits[targets[e]])
    })
  }
  return sum
}

const difference = (a: Matrix, b: Matrix) => Math.max(...a.data.map((value, k) => Math.abs(value - b.data[k])))

async function trainOn(data: EmbeddedDataset, negatives: NegativesName) {
  const trainer = createTrainer(createJsEngine(), data, {
    negatives,
    epochs: 30,
    batchSize: 64,
    learningRate: 0.02,
    schedule: 'cosine',
    warmup: 0.1,
    scale: 8,
    weightDecay: 0,
    pull: 5,
    maxGradNorm: 0,
    seed: 1,
  })
  let last = await trainer.epoch()
  for (let epoch = 1; epoch < 30; epoch++) last = await trainer.epoch()
  trainer.free()
  return last
}

describe('a query of weight w counts as w of the same query', () => {
  test.each(['positives', 'corpus', 'hard'] as const)('in the summed loss with the negatives "%s"', negatives => {
    const sum = summedLoss(weighted, negatives, 8)
    expect(sum).toBeCloseTo(summedLoss(repeated, negatives, 8), 5)
    expect(Math.abs(sum - summedLoss(plain, negatives, 8))).toBeGreaterThan(1)
  })

  test('in what is trained, pull included, and in the loss that is reported', async () => {
    const [a, b, without] = [
      await trainOn(weighted, 'positives'),
      await trainOn(repeated, 'positives'),
      await trainOn(plain, 'positives'),
    ]
    expect(difference(a.weights.W, b.weights.W)).toBeLessThan(1e-4)
    expect(difference(a.weights.W, without.weights.W)).toBeGreaterThan(0.01)
    expect(a.loss).toBeCloseTo(b.loss, 4)
  })

  test.each(Object.values(CLOSED_FORMS))('in the closed form $name, and in its loss', async form => {
    const fitted = (data: EmbeddedDataset) => fitClosedForm(createJsEngine(), data, form, { pull: 2 })
    const [a, b, without] = [await fitted(weighted), await fitted(repeated), await fitted(plain)]
    expect(difference(a.weights.W, b.weights.W)).toBeLessThan(1e-5)
    expect(difference(a.weights.W, without.weights.W)).toBeGreaterThan(0.01)
    expect(a.loss).toBeCloseTo(b.loss, 5)
  })
})

test('weights of 1 change nothing, bit by bit', async () => {
  const ones = { ...plain, weights: new Float32Array(5).fill(1) }
  for (const name of Object.keys(NEGATIVES) as NegativesName[])
    expect(await trainOn(ones, name)).toEqual(await trainOn(plain, name))
})

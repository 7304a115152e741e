import { describe, expect, test } from 'vitest'
import { adapterKind } from '../../../src/adapters/index.js'
import type { Weights } from '../../../src/adapters/kind.js'
import { createJsEngine } from '../../../src/engines/js.js'
import { createEvaluator } from '../../../src/evaluate/evaluator.js'
import { matrix } from '../../../src/math/matrix.js'
import { adaptOn } from '../../../src/train/adapt-on.js'
import { type TrainerOptions, trainWeights } from '../../../src/train/trainer.js'
import { createScorer, crossValidate, type FoldRows, runFold } from '../../../src/train/tune/fold-runner.js'
import { assignFolds } from '../../../src/train/tune/folds.js'
import { withQueries } from '../../../src/train/tune/sample.js'
import { randomMatrix } from '../../contracts/engine/support.js'
import { countingEngine } from '../../helpers/counting-engine.js'
import { embedded } from '../../helpers/embedded.js'

const linear = adapterKind('linear')
const OPTIONS: TrainerOptions = {
  negatives: 'positives',
  epochs: 3,
  batchSize: 8,
  learningRate: 0.05,
  schedule: 'cosine',
  warmup: 0.1,
  scale: 20,
  weightDecay: 0,
  pull: 1,
  maxGradNorm: 0,
  seed: 3,
}

const [N, M, d] = [18, 24, 5]
/** Queries are documents mirrored at the first axis, so that there is something to learn. */
function mirrored() {
  const docs = randomMatrix(M, d, 1)
  const queries = matrix(N, d)
  const noise = randomMatrix(N, d, 2).data
  for (let k = 0; k < queries.data.length; k++) {
    queries.data[k] = docs.data[k] * (k % d === 0 ? -1 : 1) + 0.3 * noise[k]
  }
  return embedded({ queries, docs, positives: Array.from({ length: N }, (_, i) => [i, ...(i % 5 === 0 ? [20] : [])]) })
}

const data = mirrored()

/** The metric of every query, with all queries adapted by `weights`. */
async function expected(weights: Weights | undefined): Promise<Float64Array> {
  const queries = weights ? await adaptOn(createJsEngine(), linear, weights, data.queries) : data.queries
  return createEvaluator(data, ['ndcg@10']).evaluate(queries as typeof data.queries).perQuery['ndcg@10']
}

describe('createScorer', () => {
  test('scores the given queries as the evaluator does, adapted or not', async () => {
    const { engine, held } = countingEngine()
    const scorer = createScorer(engine, data, linear, 'ndcg@10')
    const rows = Uint32Array.of(7, 0, 3)
    const weights = { W: randomMatrix(d, d, 5), b: randomMatrix(1, d, 6) }
    for (const given of [undefined, weights]) {
      const values = await expected(given)
      const scores = await scorer.score(rows, given)
      scores.forEach((score, i) => {
        expect(score).toBeCloseTo(values[rows[i]], 10)
      })
    }
    scorer.free()
    expect(held.size).toBe(0)
  })
})

describe('crossValidate', () => {
  const folds = assignFolds(N, 3, 1)

  async function validate(options: TrainerOptions) {
    const { engine, held } = countingEngine()
    const scorer = createScorer(engine, data, linear, 'ndcg@10')
    const sizes: number[] = []
    const { scores, fits } = await crossValidate(folds, rows => {
      sizes.push(rows.outside.length)
      return runFold(engine, data, scorer, rows, options)
    })
    scorer.free()
    expect(held.size).toBe(0)
    expect(fits.flatMap(({ inside }) => [...inside]).sort((a, b) => a - b)).toEqual([...folds.keys()])
    return { scores, sizes }
  }

  test.each([
    ['steps', OPTIONS],
    ['a closed form', { ...OPTIONS, kind: 'ridge' }],
  ])('scores every query by an adapter that was trained without its fold, by %s', async (_, options) => {
    const { scores, sizes } = await validate(options)
    expect(sizes).toEqual([12, 12, 12])
    let different = 0
    for (const fold of [0, 1, 2]) {
      const outside = Array.from(folds.keys()).filter(i => folds[i] !== fold)
      const part = withQueries(data, outside)
      const values = await expected(await trainWeights(createJsEngine(), part, options))
      for (const i of folds.keys()) {
        if (folds[i] === fold) expect(scores[i]).toBeCloseTo(values[i], 10)
        else if (Math.abs(scores[i] - values[i]) > 1e-6) different++
      }
    }
    // Adapters that have seen a query's fold score it otherwise.
    expect(different).toBeGreaterThan(3)
  })

  test('stops when it is told to, and gives the memory back', async () => {
    const { engine, held } = countingEngine()
    const scorer = createScorer(engine, data, linear, 'ndcg@10')
    const signal = AbortSignal.abort(new Error('enough'))
    const run = (rows: FoldRows) => runFold(engine, data, scorer, rows, { ...OPTIONS, signal })
    await expect(crossValidate(folds, run)).rejects.toMatchObject({ code: 'ABORTED' })
    scorer.free()
    expect(held.size).toBe(0)
  })
})

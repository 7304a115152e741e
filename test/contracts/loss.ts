import { describe, expect, test } from 'vitest'
import { linear } from '../../src/adapters/linear.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createJsEngine } from '../../src/engines/js.js'
import type { BatchSource, SourceOptions, TrainingBatch } from '../../src/losses/batch-source.js'
import { NEGATIVES, type NegativesName } from '../../src/losses/index.js'
import { norm } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { createParams, identityWeights } from '../../src/train/parameters.js'
import { createStep } from '../../src/train/step.js'
import { embedded } from '../helpers/embedded.js'
import { expectClose, randomMatrix, randomUnitRows } from './engine/support.js'
import { documentsOf, isExcluded, meanLoss } from './mean-loss.js'

const d = 6

/** Several positives, grades, a query without any, judged negatives, one document under three ids and a copy of a negative. */
const data: EmbeddedDataset = embedded({
  queries: randomMatrix(7, d, 1),
  docs: randomUnitRows(14, d, 2),
  positives: [[3], [0, 5], [], [[1, 3], [7, 1], 9], [0], [11], [5, 2]],
  judgedNegatives: [[4], [], [], [8], [], [], []],
  docTextGroup: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0],
})
const labelled = [0, 1, 3, 4, 5, 6]
const WEIGHTS = Float32Array.of(2, 0.5, 9, 1, 3, 1, 4)

/** Text of a document is the same as that of a positive of the query. */
const answers = (query: number, document: number): boolean =>
  [...data.positives[query].keys()].some(row => data.docTextGroup[row] === data.docTextGroup[document])

/** A new source; where negatives are mined, it has been given those with the lowest rows. */
function create(name: NegativesName, given: EmbeddedDataset, options: SourceOptions): BatchSource {
  const source = NEGATIVES[name].create(given, options)
  for (const query of source.mining?.queryRows ?? []) {
    const allowed = Array.from({ length: given.docs.rows }, (_, row) => row).filter(row => source.mining?.allows(query, row))
    source.mining?.accept(query, Uint32Array.from(allowed.slice(0, source.mining.count)))
  }
  return source
}

/**
 * What every loss must do: show each labelled query in every epoch, never count what answers a query as a negative of it, keep each
 * query's weight, repeat itself under a seed, and have on the js engine the value and the gradient that central differences give.
 *
 * @param name a name in the registry
 */
export function lossContract(name: NegativesName): void {
  const SIZES = [{ batchSize: 1 }, { batchSize: 3 }, { batchSize: 64, maxNegatives: 4 }].map(sizes => ({
    ...TRAIN_DEFAULTS,
    ...sizes,
  }))

  describe(`loss ${name}`, () => {
    test('is registered under its name and says what it is', () => {
      expect(NEGATIVES[name]).toMatchObject({ name, description: expect.stringMatching(/^\S.*[^.]$/) })
    })

    describe.each(SIZES)('with %o', options => {
      const batches = [...create(name, data, options).epoch(createRandom(1))]

      test('an epoch has its steps and examples, in batches of at most the size, and every labelled query', () => {
        const { steps, examples } = NEGATIVES[name].create(data, options)
        expect(batches).toHaveLength(steps)
        const sizes = batches.map(batch => batch.queryRows.length)
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(examples)
        expect(Math.max(...sizes)).toBeLessThanOrEqual(options.batchSize)
        expect(Math.min(...sizes)).toBeGreaterThan(0)
        const visited = batches.flatMap(batch => [...batch.queryRows])
        expect([...new Set(visited)].sort()).toEqual(labelled)
        // Once, or once per positive.
        expect([labelled.length, labelled.reduce((sum, i) => sum + data.positives[i].size, 0)]).toContain(visited.length)
      })

      test('has columns that are documents, and offsets for all of them or for none', () => {
        for (const batch of batches) {
          const columns = documentsOf(batch)
          expect(columns.every(row => row < data.docs.rows)).toBe(true)
          for (const rows of [batch.targets, batch.masked]) {
            expect(rows.offsets).toHaveLength(batch.queryRows.length + 1)
            expect(rows.columns.every(column => column < columns.length)).toBe(true)
          }
          if (batch.offset) expect(batch.offset).toHaveLength(columns.length)
          expect(batch.offset?.every(Number.isFinite) ?? true).toBe(true)
        }
      })

      test('never counts a document that answers a query, or a copy of it, as a negative, and no target is left out', () => {
        for (const batch of batches) {
          const columns = documentsOf(batch)
          batch.queryRows.forEach((query, i) => {
            const targets = new Map(entriesOf(batch, i))
            const masked = new Set(batch.masked.columns.slice(batch.masked.offsets[i], batch.masked.offsets[i + 1]))
            const counted = columns.flatMap((_, column) =>
              masked.has(column) || isExcluded(batch.offset?.[column]) ? [] : [column],
            )
            expect(counted.filter(column => answers(query, columns[column]) && !targets.has(column))).toEqual([])
            expect([...targets.keys()].filter(column => !counted.includes(column))).toEqual([])
            const right = [...targets].filter(([column]) => data.positives[query].has(columns[column]))
            expect(right.reduce((sum, [, weight]) => sum + weight, 0)).toBeGreaterThan(0.5)
          })
        }
      })

      test('targets sum to the weight of their query, 1 where none are given, and all of them to that of the source', () => {
        for (const weights of [undefined, WEIGHTS]) {
          const source = create(name, weights ? { ...data, weights } : data, options)
          let total = 0
          for (const batch of source.epoch(createRandom(1))) {
            batch.queryRows.forEach((query, i) => {
              const sum = entriesOf(batch, i).reduce((all, [, weight]) => all + weight, 0)
              expect(sum).toBeCloseTo(weights?.[query] ?? 1, 5)
              total += sum
            })
          }
          expect(source.weight ?? source.examples).toBeCloseTo(total, 4)
        }
      })

      test('gives the same batches for the same seed, and others in the next epoch', () => {
        const source = create(name, data, options)
        const random = createRandom(1)
        expect([...source.epoch(random)]).toEqual(batches)
        const order = (epoch: Iterable<TrainingBatch>) => [...epoch].flatMap(batch => [...batch.queryRows])
        const later = Array.from({ length: 3 }, () => order(source.epoch(random)))
        expect(later.some(epoch => String(epoch) !== String(order(batches)))).toBe(true)
      })

      test('has the value and the gradient of the loss on the js engine', async () => {
        const scale = 5
        for (const batch of batches) {
          const engine = createJsEngine()
          const weights = identityWeights(linear, d)
          const changed = randomMatrix(d, d, 3)
          weights.W.data.forEach((value, k) => {
            weights.W.data[k] = value + 0.3 * changed.data[k]
          })
          const state = {
            ...createParams(engine, linear, d),
            params: Object.fromEntries(Object.entries(weights).map(([key, m]) => [key, engine.upload(m)])),
          }
          const inputs = { queries: engine.upload(data.queries), documents: engine.upload(data.docs) }
          const stepOptions = { ...options, scale, weightDecay: 0, maxGradNorm: 0 }
          const { step, lossSum } = createStep(engine, linear, state, inputs, stepOptions)
          step(batch, 1, 0)

          const loss = () => meanLoss(batch, data.queries, data.docs, scale, (q, out) => linear.apply(weights, q, out))
          expect((await engine.read(lossSum))[0] / batch.queryRows.length).toBeCloseTo(loss(), 4)
          for (const param of ['W', 'b']) {
            const numeric = differences(weights[param].data, loss)
            // A step of 1e-3 leaves an error of about 1e-6 of the largest entry; rounding to float32 inside the step 1e-4.
            const floor = Math.max(1e-2, norm(numeric))
            expectClose(await engine.read(state.grads[param]), numeric, 1e-3, `gradient of ${param}`, { floor })
          }
        }
      })
    })
  })
}

/** (column, weight) of every target of the batch's i-th query. */
function entriesOf({ targets: { offsets, columns, values } }: TrainingBatch, i: number): [number, number][] {
  return Array.from({ length: offsets[i + 1] - offsets[i] }, (_, e) => [columns[offsets[i] + e], values?.[offsets[i] + e] ?? 1])
}

/** Central differences of `loss` by every value of `data`. */
function differences(data: Float32Array, loss: () => number): Float32Array {
  return data.map((value, k) => {
    data[k] = value + 1e-3
    const [above, up] = [data[k], loss()]
    data[k] = value - 1e-3
    const [below, down] = [data[k], loss()]
    data[k] = value
    return (up - down) / (above - below)
  })
}

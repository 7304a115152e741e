import { describe, expect, test } from 'vitest'
import { applyAdapter, outputDimensions } from '../../src/adapters/adapter.js'
import { decodeAdapter, encodeAdapter } from '../../src/adapters/file.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import { createJsEngine } from '../../src/engines/js.js'
import { type Matrix, matrix, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { truncateRows } from '../../src/math/row-source.js'
import { partsFromVectors } from '../../src/pipeline/embedded-parts.js'
import { openData } from '../../src/pipeline/open-data.js'
import { runEvaluation } from '../../src/pipeline/run-evaluation.js'
import { trainAndReport } from '../../src/pipeline/run-training.js'
import { applyAdapterOn } from '../../src/train/adapt-on.js'
import { trainAdapter } from '../../src/train/train-adapter.js'
import { embedded } from '../helpers/embedded.js'
import { rejection } from '../helpers/rejection.js'

const [N, D, K] = [120, 12, 4]

/**
 * What a query says of the first values of its document stands in its last ones: who cuts queries like the documents cannot find
 * anything, and who maps the whole query can.
 */
function shifted(n: number, seed: number) {
  const random = createRandom(seed)
  const fill = (rows: number) =>
    matrix(
      rows,
      D,
      Float32Array.from({ length: rows * D }, () => random.normal()),
    )
  const docs = fill(n)
  const queries = fill(n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < K; j++) row(queries, i)[D - K + j] = row(docs, i)[j] + 0.1 * random.normal()
  }
  return embedded({ queries, docs, positives: Array.from({ length: n }, (_, i) => [i]) })
}

const parts = { train: shifted(N, 1), test: shifted(60, 2) }
const OPTIONS = { dimensionsOut: K, train: { engine: 'js', seed: 1 }, tune: 'off', gate: true } as const
const LEARN = { ...OPTIONS, train: { ...OPTIONS.train, epochs: 30, learningRate: 0.05, batchSize: 16 } } as const

describe('documents of which the index stores the first dimensions', () => {
  test('are found by all dimensions of the query', async () => {
    const { adapter, report } = await trainAndReport(partsFromVectors(parts), LEARN)
    expect(adapter.params.W).toMatchObject({ rows: K, cols: D })
    expect(adapter.base.dimensions).toBe(D)
    expect(outputDimensions(adapter)).toBe(K)
    const { base, adapted } = report.metrics!
    expect(adapted['ndcg@10']).toBeGreaterThan(base['ndcg@10'] + 0.3)
    expect(report.gate).toMatchObject({ passed: true })
    // What the index gave up is said as well.
    expect(report.whole).toMatchObject({ dimensions: D })

    const evaluated = await runEvaluation({ data: await openData({ vectors: parts }), adapter, engine: 'js' })
    expect(evaluated.metrics).toEqual({ base, adapted })
    expect(evaluated.whole).toEqual(report.whole)
  })

  test('have a base of queries that are cut like them', async () => {
    const { report } = await trainAndReport(partsFromVectors(parts), LEARN)
    const { queries, docs, ...rest } = parts.test
    const cut = { ...rest, queries: truncateRows(queries, K) as Matrix, docs: truncateRows(docs, K) as Matrix }
    const { metrics } = await runEvaluation({ data: await openData({ vectors: { train: cut } }), engine: 'js' })
    expect(report.metrics!.base).toEqual(metrics.base)
  })

  test('have an adapter whose file holds its shape, and that gives as many values everywhere', async () => {
    const { adapter } = await trainAndReport(partsFromVectors(parts), LEARN)
    const read = decodeAdapter(encodeAdapter(adapter))
    expect(read).toEqual(adapter)
    const one = applyAdapter(read, row(parts.test.queries, 0))
    expect(one).toHaveLength(K)
    const many = applyAdapter(read, parts.test.queries)
    expect(many).toMatchObject({ rows: 60, cols: K })
    expect(row(many, 0)).toEqual(one)
    const engine = await createCpuEngine()
    const onEngine = await applyAdapterOn(engine, read, parts.test.queries)
    onEngine.data.forEach((value, i) => {
      expect(value).toBeCloseTo(many.data[i], 5)
    })
    engine.dispose()
  })

  test('start where the map cuts queries and changes nothing else', async () => {
    const docs = truncateRows(parts.train.docs, K) as Matrix
    const validation = { ...parts.train, docs }
    const result = await trainAdapter(
      { train: validation, validation },
      { engine: createJsEngine(), epochs: 1, learningRate: 1e-12 },
    )
    result.weights.W.data.forEach((value, i) => {
      expect(value).toBeCloseTo(Math.floor(i / D) === i % D ? 1 : 0, 6)
    })
  })

  test('are tuned for as well, on any engine', async () => {
    const auto = await trainAndReport(partsFromVectors(parts), {
      dimensionsOut: K,
      train: { engine: 'cpu', epochs: 5 },
    })
    expect(auto.adapter.params.W).toMatchObject({ rows: K, cols: D })
    expect(auto.report.tune!.tried.length).toBeGreaterThan(2)
  })

  test('get the cut identity where the gate closes', async () => {
    const random = { ...parts.train, positives: parts.train.positives.map((_, i) => new Map([[(i * 7 + 3) % N, 1]])) }
    const { adapter, report } = await trainAndReport(partsFromVectors({ train: random }), {
      ...OPTIONS,
      train: { engine: 'js' },
    })
    expect(report.gate).toMatchObject({ kept: false })
    expect(Array.from(applyAdapter(adapter, row(parts.test.queries, 3)))).toEqual(
      Array.from(row(parts.test.queries, 3).subarray(0, K)),
    )
  })

  test.each([0, D, 99, 2.5])('cannot have %d dimensions', async dimensionsOut => {
    const error = await rejection(trainAndReport(partsFromVectors(parts), { ...OPTIONS, dimensionsOut }))
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringMatching(/--dimensions-out .* 1 to 11/) })
  })

  test.each(['low-rank', 'ridge', 'residual-mlp'])('need a linear adapter, not %s', async kind => {
    const error = await rejection(trainAndReport(partsFromVectors(parts), { ...OPTIONS, train: { ...OPTIONS.train, kind } }))
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('Use --kind linear') })
  })
})

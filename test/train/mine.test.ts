import { afterAll, describe, expect, test } from 'vitest'
import { adapterKind } from '../../src/adapters/index.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import { createJsEngine } from '../../src/engines/js.js'
import type { Mining } from '../../src/losses/batch-source.js'
import { hard } from '../../src/losses/hard.js'
import { dot, fromRows, matrix, norm, row } from '../../src/math/matrix.js'
import { mine } from '../../src/train/mining.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { identityWeights } from '../../src/train/parameters.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { type EmbeddedParts, embedded } from '../helpers/embedded.js'
import { rejection } from '../helpers/rejection.js'

const linear = adapterKind('linear')
const identity = (d: number) => identityWeights(linear, d)

const at = (degrees: number) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]
const turn = (degrees: number) => ({
  W: fromRows([
    [at(degrees)[0], -at(degrees)[1]],
    [at(degrees)[1], at(degrees)[0]],
  ]),
  b: matrix(1, 2),
})

const engines = { js: createJsEngine(), cpu: await createCpuEngine() }
afterAll(() => engines.cpu.dispose())

describe.each(Object.entries(engines))('mine on %s', (_, engine) => {
  interface Setting extends Partial<EmbeddedParts> {
    readonly docs: EmbeddedParts['docs']
    readonly positives: EmbeddedParts['positives']
    readonly count?: number
    readonly margin?: number
    readonly blockValues?: number
    readonly weights?: ReturnType<typeof turn>
  }

  /** What is found for every query; queries stand at 0 degrees. */
  async function found(setting: Setting) {
    const { count = 1, margin = 0.05, weights = identity(2), blockValues, ...parts } = setting
    const data = embedded({ queries: parts.positives.map(() => at(0)), ...parts })
    const { mining } = hard.create(data, { ...TRAIN_DEFAULTS, batchSize: 4, hardNegatives: count, hardMargin: margin })
    const result = new Map<number, number[]>()
    const accept: Mining['accept'] = (query, documents) => result.set(query, [...documents])
    await mine(engine, linear, weights, data, { ...mining!, accept }, { blockValues })
    return result
  }

  // The positive has the cosine 0.940; 0.95 times that is the cosine of 26.8 degrees.
  const docs = [20, 5, 21, 26, 28, -40, 100].map(at)

  test('finds the document nearest to the query that stays below the positive by the margin', async () => {
    expect(await found({ docs, positives: [[0]] })).toEqual(new Map([[0, [4]]]))
    expect(await found({ docs, positives: [[0]], margin: 0.02 })).toEqual(new Map([[0, [3]]]))
    expect(await found({ docs, positives: [[0]], margin: 0 })).toEqual(new Map([[0, [2]]]))
    expect(await found({ docs, positives: [[0]], margin: 0.2 })).toEqual(new Map([[0, [6]]]))
  })

  test('finds the nearest first, and no more than there are', async () => {
    expect(await found({ docs, positives: [[0]], count: 2 })).toEqual(new Map([[0, [4, 5]]]))
    expect(await found({ docs, positives: [[0]], count: 50 })).toEqual(new Map([[0, [4, 5, 6]]]))
    expect(await found({ docs, positives: [[6]], count: 50 })).toEqual(new Map([[0, []]]))
  })

  test('goes by the best of several positives, and leaves the others out', async () => {
    expect(await found({ docs, positives: [[5, 0]], count: 9 })).toEqual(new Map([[0, [4, 6]]]))
  })

  test('keeps its distance also where the positive points away from the query', async () => {
    // The cosine of 120 degrees is -0.5, 1.05 times that the cosine of 121.7 degrees.
    const away = [120, 121, 123, 119, 150].map(at)
    expect(await found({ docs: away, positives: [[0]], count: 9 })).toEqual(new Map([[0, [2, 4]]]))
  })

  test('leaves copies of a positive out also where their vectors differ, and takes copies of others once', async () => {
    const docTextGroup = [0, 1, 2, 3, 0, 5, 5]
    expect(await found({ docs, positives: [[0]], count: 9, docTextGroup })).toEqual(new Map([[0, [5]]]))
  })

  test('ranks with the adapter, not with the base', async () => {
    // Turned by 10 degrees the query stands 10 before its positive; the margin ends at 10 +- 20.7 degrees.
    expect(await found({ docs, positives: [[0]], weights: turn(10) })).toEqual(new Map([[0, [5]]]))
    expect(await found({ docs, positives: [[0]], weights: turn(30) })).toEqual(new Map([[0, [1]]]))
  })

  test('finds what sorting finds, for the queries that have a positive', async () => {
    const [n, m, d] = [70, 300, 12]
    const [queries, documents] = [randomMatrix(n, d, 1), randomMatrix(m, d, 2)]
    const positives = Array.from({ length: n }, (_, i) => (i % 5 === 4 ? [] : [i, (7 * i) % m]))
    const weights = { W: randomMatrix(d, d, 3), b: randomMatrix(1, d, 4) }
    const setting = { queries, docs: documents, positives, count: 6, weights }
    const result = await found(setting)
    expect(await found({ ...setting, blockValues: 9 * d })).toEqual(result)
    expect([...result.keys()]).toEqual(Array.from({ length: n }, (_, i) => i).filter(i => i % 5 !== 4))
    for (const [query, mined] of result) {
      const q = Array.from({ length: d }, (_, j) => dot(row(weights.W, j), row(queries, query)) + weights.b.data[j])
      const cosines = Array.from({ length: m }, (_, k) => {
        const document = row(documents, k)
        return dot(q, document) / norm(q) / norm(document)
      })
      const best = Math.max(...positives[query].map(k => cosines[k]))
      const expected = cosines
        .map((cosine, k) => ({ cosine, k }))
        .filter(({ cosine, k }) => cosine <= best - 0.05 * Math.abs(best) && !positives[query].includes(k))
        .sort((a, b) => b.cosine - a.cosine)
        .slice(0, 6)
      expect(mined).toEqual(expected.map(({ k }) => k))
    }
  })

  test('stops when it is told to', async () => {
    const data = embedded({ queries: [at(0)], docs, positives: [[0]] })
    const { mining } = hard.create(data, { ...TRAIN_DEFAULTS, batchSize: 1 })
    const signal = AbortSignal.abort()
    expect(await rejection(mine(engine, linear, identity(2), data, mining!, { signal }))).toMatchObject({
      code: 'ABORTED',
    })
  })
})

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import type { Engine, Tensor } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { createTfjsEngine } from '../../src/engines/tfjs/engine.js'
import { AdapterTrainError } from '../../src/errors.js'
import { createRandom } from '../../src/math/random.js'
import { type RowSource, type Rows, rowSource } from '../../src/math/row-source.js'
import { type TrainOptions, trainAdapter } from '../../src/train/train-adapter.js'
import { fitScale } from '../../src/train/tune/scale.js'
import { openRaw } from '../../src/vectors/raw.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { temporaryFolder } from '../dataset/temporary-folder.js'
import { embedded } from '../helpers/embedded.js'
import { rejection } from '../helpers/rejection.js'
import { writeRaw } from '../helpers/vector-files.js'

const random = createRandom(1)
/** Queries with one, two or no positive, documents of any length, copies among them. */
const data = embedded({
  queries: randomMatrix(150, 24, 1),
  docs: randomMatrix(120, 24, 2),
  positives: Array.from({ length: 150 }, (_, i) => (i % 9 === 8 ? [] : [random.int(120), [random.int(120), 2]])),
  docTextGroup: Array.from({ length: 120 }, (_, i) => i % 100),
})
const validation = embedded({
  queries: randomMatrix(30, 24, 3),
  docs: randomMatrix(120, 24, 2),
  positives: Array.from({ length: 30 }, (_, i) => [i]),
})

/** The same data set with its vectors in files. */
async function inFiles(from: EmbeddedDataset): Promise<EmbeddedDataset<Rows>> {
  const folder = temporaryFolder()
  const open = async (name: 'queries' | 'docs'): Promise<RowSource> => {
    writeRaw(from[name], join(folder, `${name}.f32`))
    return openRaw(join(folder, `${name}.f32`), from[name].cols)
  }
  return { ...from, queries: await open('queries'), docs: await open('docs') }
}

/** The same data set with vectors that are nowhere near memory. */
function hidden(from: EmbeddedDataset): EmbeddedDataset<Rows> {
  const hide = (rows: Rows): RowSource => {
    const { rows: count, cols, gather } = rowSource(rows)
    return { rows: count, cols, gather }
  }
  return { ...from, queries: hide(from.queries), docs: hide(from.docs) }
}

const choices: [string, TrainOptions][] = [
  ['negatives of the batch', { negatives: 'in-batch', batchSize: 32 }],
  ['the pool of positives', { negatives: 'positives', batchSize: 50 }],
  ['a sample of the corpus', { negatives: 'corpus', maxNegatives: 40, batchSize: 16 }],
  ['mined negatives', { negatives: 'hard', hardNegatives: 3, mineEvery: 1, batchSize: 40 }],
  ['a low-rank adapter', { kind: 'low-rank', size: 4, batchSize: 40 }],
]

describe.each<[string, () => Promise<Engine>]>([
  ['js', async () => createJsEngine()],
  ['cpu', () => createCpuEngine()],
  ['cpu with little room', () => createCpuEngine({ outsideBytes: 2000 })],
  ['tfjs', () => createTfjsEngine({ backend: 'cpu' })],
])('training on %s with vectors outside', (_, create) => {
  test.each(choices)('gives the same bytes as with vectors on the engine: %s', async (_, choice) => {
    const engine = await create()
    const options = { engine, epochs: 2, metric: 'ndcg@10', learningRate: 0.01, ...choice }
    const untimed = async (train: EmbeddedDataset<Rows>, memory?: number) => {
      const { epochs, ...result } = await trainAdapter({ train, validation }, { ...options, memory })
      return { ...result, epochs: epochs.map(({ loss, metric }) => [loss, metric]) }
    }
    const expected = await untimed(data)
    expect(Number.isFinite(expected.epochs[1][0])).toBe(true)
    expect(await untimed(data, 1)).toEqual(expected)
    const files = await inFiles(data)
    expect(await untimed(files, 1)).toEqual(expected)
    expect(await untimed(files)).toEqual(expected)
    engine.dispose()
  })
})

describe('vectors outside', () => {
  /** A js engine that counts the values it holds at most, and has room for `limit` in one tensor. */
  function watched(limit = Number.POSITIVE_INFINITY) {
    const js = createJsEngine()
    const held = new Set<Tensor>()
    const most = { values: 0, tensor: 0 }
    const make = (t: Tensor): Tensor => {
      if (t.rows * t.cols > limit) throw new AdapterTrainError('ENGINE_MEMORY', 'too large')
      held.add(t)
      const sizes = [...held].map(({ rows, cols }) => rows * cols)
      most.values = Math.max(
        most.values,
        sizes.reduce((a, b) => a + b, 0),
      )
      most.tensor = Math.max(most.tensor, rows(t))
      return t
    }
    const rows = (t: Tensor): number => t.rows
    const engine: Engine = {
      ...js,
      upload: m => make(js.upload(m)),
      alloc: (r, c) => make(js.alloc(r, c)),
      free(t) {
        if (!held.delete(t)) throw new Error('freed a tensor that is not held')
      },
    }
    return { engine, held, most }
  }
  const options = { epochs: 1, batchSize: 8 } as const

  test('are on the engine a batch at a time, and all is given back', async () => {
    const { engine, held, most } = watched()
    await trainAdapter({ train: hidden(data) }, { ...options, engine, memory: 4 * 270 * 24 - 1 })
    expect(most.tensor).toBeLessThanOrEqual(24)
    expect(held.size).toBe(0)
  })

  test('are mined a block at a time, and all is given back', async () => {
    const { engine, held } = watched()
    await trainAdapter({ train: hidden(data) }, { ...options, negatives: 'hard', engine, memory: 1 })
    expect(held.size).toBe(0)
  })

  test('are on the engine as a whole where they take no more than the memory given', async () => {
    const { engine, held, most } = watched()
    await trainAdapter({ train: hidden(data) }, { ...options, engine, memory: 4 * 270 * 24 })
    expect(most.tensor).toBe(150)
    expect(held.size).toBe(0)
  })

  test('stay outside where the device has no room for a matrix of them', async () => {
    const { engine, held, most } = watched(120 * 24 + 1)
    const { weights } = await trainAdapter({ train: data }, { ...options, engine })
    expect(most.tensor).toBeLessThanOrEqual(120)
    expect(held.size).toBe(0)
    expect(weights).toEqual((await trainAdapter({ train: data }, { ...options, engine: 'js' })).weights)
  })

  test('are searched for a zero vector, which is named', async () => {
    const docs = randomMatrix(120, 24, 2)
    docs.data.fill(0, 24 * 77, 24 * 78)
    const error = await rejection(trainAdapter({ train: hidden({ ...data, docs }) }, options))
    expect(error).toMatchObject({ code: 'TRAIN_DATA', details: { id: 'doc77' } })
  })

  test('give the same scale', async () => {
    const engine = await createCpuEngine()
    expect(await fitScale(engine, hidden(data), 7)).toBe(await fitScale(engine, data, 7))
    engine.dispose()
  })

  test('are fetched for a closed form, which needs all of them, where there is room, and refused otherwise', async () => {
    const closed = { engine: 'js', kind: 'ridge' }
    const { weights } = await trainAdapter({ train: hidden(data) }, closed)
    expect(weights).toEqual((await trainAdapter({ train: data }, closed)).weights)
    const error = await rejection(trainAdapter({ train: hidden(data) }, { ...closed, memory: 1000 }))
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('--memory') })
  })

  test('need memory above 0', async () => {
    for (const memory of [0, -1, Number.NaN]) {
      expect(await rejection(trainAdapter({ train: data }, { memory }))).toMatchObject({ code: 'USAGE' })
    }
  })
})

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createRandom, restoreRandom } from '../../src/math/random.js'
import { type Checkpoint, decodeState, encodeState, openCheckpoint } from '../../src/train/checkpoint.js'
import { type TrainOptions, trainAdapter } from '../../src/train/train-adapter.js'
import { embedded } from '../helpers/embedded.js'

const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const fresh = () => join(folder, `${files++}.checkpoint`)

const D = 5
function data(count: number, seed: number) {
  const random = createRandom(seed)
  const docs = Array.from({ length: count }, () => Array.from({ length: D }, () => random.normal()))
  const queries = docs.map(([a, b, ...rest]) => [b, a, ...rest].map(x => x + 0.3 * random.normal()))
  return embedded({ queries, docs, positives: queries.map((_, i) => [i]) })
}
const parts = { train: data(30, 1), validation: data(20, 2) }

/** Stops the run after so many saves, as a kill right after a write would. */
function killedAfter(checkpoint: Checkpoint, saves: number): Checkpoint {
  let left = saves
  return {
    path: checkpoint.path,
    get state() {
      return checkpoint.state
    },
    require: checkpoint.require,
    restart: checkpoint.restart,
    save(part) {
      checkpoint.save(part)
      left--
      if (left === 0) throw new Error('killed')
    },
  }
}

const OPTIONS: TrainOptions = { engine: 'js', epochs: 6, batchSize: 8, learningRate: 0.05, patience: 0 }

describe('an interrupted training that goes on', () => {
  test.each<[string, TrainOptions]>([
    ['in-batch', {}],
    ['a sampled pool of documents', { negatives: 'corpus', maxNegatives: 10 }],
    ['mined negatives that are kept over several epochs', { negatives: 'hard', mineEvery: 3, hardNegatives: 4 }],
    ['a kind with random starting values', { kind: 'residual-mlp', size: 3 }],
    ['early stopping', { patience: 2, learningRate: 0.5 }],
    ['the engine cpu', { engine: 'cpu' }],
  ])('gives the same bytes as one that was not: %s', async (_, more) => {
    const options = { ...OPTIONS, ...more }
    const undisturbed = await trainAdapter(parts, options)
    for (const epoch of [1, 2, 4].filter(n => n <= undisturbed.epochs.length)) {
      const path = fresh()
      const checkpoint = killedAfter(openCheckpoint(path), epoch)
      await expect(trainAdapter(parts, { ...options, checkpoint })).rejects.toThrow('killed')
      const seen: number[] = []
      const resumed = await trainAdapter(parts, {
        ...options,
        checkpoint: openCheckpoint(path),
        onEpoch: result => seen.push(result.epoch),
      })
      expect(resumed.weights).toEqual(undisturbed.weights)
      expect(resumed.bestEpoch).toBe(undisturbed.bestEpoch)
      expect(resumed.stoppedEarly).toBe(undisturbed.stoppedEarly)
      expect(resumed.epochs.map(({ loss, metric }) => ({ loss, metric }))).toEqual(
        undisturbed.epochs.map(({ loss, metric }) => ({ loss, metric })),
      )
      expect(seen).toEqual(undisturbed.epochs.map(result => result.epoch).filter(n => n > epoch))
    }
  })

  test('is done at once where all epochs are in the checkpoint', async () => {
    const path = fresh()
    const whole = await trainAdapter(parts, { ...OPTIONS, checkpoint: openCheckpoint(path) })
    const onEpoch = () => expect.unreachable()
    const again = await trainAdapter(parts, { ...OPTIONS, checkpoint: openCheckpoint(path), onEpoch })
    expect(again.weights).toEqual(whole.weights)
    expect(again.epochs).toEqual(whole.epochs)
  })
})

describe('openCheckpoint', () => {
  const saved = (path = fresh()) => {
    const checkpoint = openCheckpoint(path)
    checkpoint.require('run', { epochs: 4, data: 'ab'.repeat(32), size: undefined })
    checkpoint.save({ choice: { scores: Float64Array.of(1 / 3, -0), rows: Uint32Array.of(7) } })
    return path
  }

  test('gives back what was saved, and leaves no other file', () => {
    const path = saved()
    expect(openCheckpoint(path).state).toEqual({
      choice: { scores: Float64Array.of(1 / 3, -0), rows: Uint32Array.of(7) },
    })
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  test('refuses the checkpoint of another run: says what differs, and what to do', () => {
    const path = saved()
    const other = openCheckpoint(path)
    expect(() => other.require('run', { epochs: 8, data: `cd${'ab'.repeat(31)}`, size: 3 })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: `cannot resume from ${path}: written by another run, epochs is 8, but was 4; data is cdababababab…, but was abababababab…; size is 3, but was not set. Delete the file to start again, or name another one with --checkpoint`,
        details: { file: path, differs: ['epochs', 'data', 'size'] },
      }),
    )
    expect(() => openCheckpoint(path).require('run', { data: 'ab'.repeat(32) })).toThrow('epochs is not set, but was 4')
    openCheckpoint(path).require('run', { epochs: 4, data: 'ab'.repeat(32) })
  })

  test.each<[string, (bytes: Buffer) => Buffer | string, RegExp]>([
    ['is empty', () => '', /not a checkpoint of this release/],
    ['is something else', () => '{"format": "adapter-train/1"}\n', /not a checkpoint of this release/],
    ['is cut off', bytes => bytes.subarray(0, bytes.length - 3), /damaged/],
    ['has a changed byte', bytes => Buffer.from(bytes.map((b, i) => (i === bytes.length - 9 ? b ^ 1 : b))), /damaged/],
  ])('refuses a file that %s', (_, spoil, message) => {
    const path = saved()
    writeFileSync(path, spoil(readFileSync(path)))
    expect(() => openCheckpoint(path)).toThrow(
      expect.objectContaining({ code: 'FILE_READ', message: expect.stringMatching(message) }),
    )
    expect(() => openCheckpoint(path)).toThrow('Delete the file to start again')
  })
})

test('a state keeps every number as it is, and stores an array once', () => {
  const shared = Float32Array.of(1, Number.MIN_VALUE, -0)
  const value = { a: shared, b: [{ c: shared, n: 1 / 3 }], d: new Uint32Array(0), e: 'x' }
  const bytes = encodeState(value)
  expect(bytes.filter(part => part.length === 12)).toHaveLength(1)
  expect(decodeState(Buffer.concat(bytes))).toEqual(value)
})

test('random numbers go on where they were saved, the spare normal included', () => {
  const random = createRandom(7)
  random.normal()
  const saved = JSON.parse(JSON.stringify(random.save()))
  const next = () => [random.normal(), random.normal(), random.next(), random.int(10)]
  const expected = next()
  const other = restoreRandom(saved)
  expect([other.normal(), other.normal(), other.next(), other.int(10)]).toEqual(expected)
})

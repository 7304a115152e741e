import { expect, test } from 'vitest'
import { createJsEngine } from '../../src/engines/js.js'
import type { Checkpoint, TrainingState } from '../../src/train/checkpoint.js'
import { type TrainOptions, trainAdapter } from '../../src/train/train-adapter.js'
import { randomUnitRows } from '../contracts/engine/support.js'
import { embedded } from '../helpers/embedded.js'
import { rejection } from '../helpers/rejection.js'

const d = 8
const data = (count: number, seed: number) =>
  embedded({
    queries: randomUnitRows(count, d, seed),
    docs: randomUnitRows(12, d, 3),
    positives: Array.from({ length: count }, (_, i) => [i % 12]),
  })
const train = data(24, 1)
const validation = data(12, 2)
const options = { epochs: 6, batchSize: 4, patience: 0, learningRate: 0.05 }

/** Trains with an abort in the given epoch, or in none. */
function run(abortIn: number | undefined, more: TrainOptions = {}, sets: Parameters<typeof trainAdapter>[0] = { train }) {
  const abort = new AbortController()
  const stepsOfEpoch = 24 / 4
  return trainAdapter(sets, {
    ...options,
    engine: createJsEngine(),
    signal: abort.signal,
    keepOnAbort: true,
    onStep(step) {
      if (abortIn !== undefined && step === stepsOfEpoch * (abortIn - 1) + 2) abort.abort()
    },
    ...more,
  })
}

/** What an undisturbed run had kept after each epoch. */
async function keptAfterEachEpoch(sets: Parameters<typeof trainAdapter>[0]): Promise<TrainingState[]> {
  const states: TrainingState[] = []
  const save: Checkpoint['save'] = ({ training }) => {
    states.push({ ...training!, best: structuredClone(training!.best), epochs: [...training!.epochs] })
  }
  const checkpoint = { path: '', state: {}, require() {}, restart() {}, save }
  await run(undefined, { checkpoint }, sets)
  return states
}

test.each([
  ['with a validation set', { train, validation }],
  ['without one', { train }],
])('%s, an abort in epoch 4 gives what was kept after epoch 3', async (_, sets) => {
  const states = await keptAfterEachEpoch(sets)
  const result = await run(4, {}, sets)
  expect(result.interrupted).toBe(true)
  expect(result.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
  expect(result.bestEpoch).toBe(states[2].bestEpoch)
  expect(result.weights).toEqual(states[2].best)
})

test('an undisturbed run is not interrupted', async () => {
  expect((await run(undefined)).interrupted).toBeUndefined()
})

test('an abort before the first epoch is done is an error: there is nothing to keep', async () => {
  expect(await rejection(run(1))).toMatchObject({ code: 'ABORTED' })
})

test('without keepOnAbort an abort is an error', async () => {
  expect(await rejection(run(4, { keepOnAbort: false }))).toMatchObject({ code: 'ABORTED' })
})

test('another error is thrown also with keepOnAbort', async () => {
  const failing = run(undefined, {
    onStep(step) {
      if (step === 14) throw new Error('no')
    },
  })
  await expect(failing).rejects.toThrow('no')
})

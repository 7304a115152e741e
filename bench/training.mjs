import { TRAIN_DEFAULTS } from '../dist/train/options.js'
import { createTrainer } from '../dist/train/trainer.js'
import { median } from './statistics.mjs'

/** Steps after which the trainer waits for the engine. */
const TURN = 8

/** Steps, and milliseconds the first time, that do not count. */
const WARM_UP = { steps: 3, ms: 300 }

/**
 * A training run as `trainAdapter` does it, with AdamW, clipping, masks and shuffled batches, to be measured in parts.
 *
 * @param {import('./engines.mjs').BenchEngine} engine
 * @param {import('../dist/index.js').EmbeddedDataset} data
 * @param {{ batch: number, pool?: number }} size with `pool` every step ranks against the whole corpus
 */
export async function createTraining({ start, asynchronous }, data, { batch, pool }) {
  const engine = await start()
  const stride = asynchronous ? TURN : 1
  let steps = 0
  /** Called at the end of every step, or of every turn of an asynchronous engine, with the time since the last such end. */
  let record = (_msPerStep, _at) => {}
  let lastAt = 0
  let lastStep = 0
  const trainer = createTrainer(engine, data, {
    ...TRAIN_DEFAULTS,
    batchSize: batch,
    epochs: 1_000_000,
    ...(pool ? { negatives: 'corpus', maxNegatives: pool } : {}),
    onStep(step) {
      steps = step
      if (step % stride !== 0) return
      const now = performance.now()
      record((now - lastAt) / (step - lastStep), now)
      lastAt = now
      lastStep = step
    },
  })
  let warm = false

  return {
    /**
     * Trains whole epochs for at least this long.
     * @param {number} seconds
     * @returns the median step, and the median time from an epoch's last step to its weights in hand
     */
    async measure(seconds) {
      const firstStep = steps + WARM_UP.steps
      const firstAt = performance.now() + (warm ? 0 : WARM_UP.ms)
      const times = []
      const ends = []
      let until = Infinity
      record = (ms, at) => {
        if (lastStep < firstStep || at < firstAt) return
        if (until === Infinity) until = at + seconds * 1000
        times.push(ms)
      }
      while (times.length < 3 || performance.now() < until) {
        lastAt = performance.now()
        lastStep = steps
        await trainer.epoch()
        if (steps === lastStep) ends.push(performance.now() - lastAt)
      }
      warm = true
      return { msPerStep: median(times), epochEndMs: ends.length > 0 ? median(ends) : undefined }
    },
    close() {
      trainer.free()
      engine.dispose()
    },
  }
}

import { availableParallelism, cpus } from 'node:os'
import { Worker } from 'node:worker_threads'
import { createEngine } from '../dist/engines/index.js'
import { PAIRS } from './options.mjs'
import { randomUnitRows } from './random-data.mjs'

const COPY_MS = 120
const TRIES = 4
const PEAK_SIZE = 2048

/** Bytes a weight that every step moves: W and two moments read and written, its gradient written and read. */
const BYTES_PER_WEIGHT = 24 + 8
/** Bytes a weight that these occupy. */
const STATE_BYTES_PER_WEIGHT = 16

/**
 * The least time a step can take on this CPU: its multiplications at the speed of the fastest matrix product measured here,
 * then the update of the weights at the speed of memory. The two do not overlap, as the gradient's norm, by which it is clipped,
 * is known only when all of it is.
 *
 * @param {import('./run.mjs').Context} context
 */
export async function benchFloor({ options, progress }) {
  progress('floor: matrix product')
  const peak = await measurePeak(options.quick ? 0.6 : 1.5)
  const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} threads`
  const rows = []
  for (const dim of options.dims) {
    progress(`floor: memory, dim ${dim}`)
    const bandwidth = await measureBandwidth(STATE_BYTES_PER_WEIGHT * dim * dim)
    for (const batch of options.batches) {
      const flops = 2 * (2 * batch * dim * dim) + 2 * (2 * batch * batch * dim)
      const bytes = BYTES_PER_WEIGHT * dim * dim
      const flopsMs = (flops / peak) * 1000
      const bytesMs = (bytes / bandwidth) * 1000
      const msPerStep = flopsMs + bytesMs
      rows.push({
        bench: 'floor',
        engine: 'machine',
        machine,
        pairs: PAIRS,
        dim,
        batch,
        msPerStep,
        secondsPerEpoch: (msPerStep * Math.ceil(PAIRS / batch)) / 1000,
        flops,
        bytes,
        flopsMs,
        bytesMs,
        gigaflopsPerSecond: peak / 1e9,
        gigabytesPerSecond: bandwidth / 1e9,
      })
    }
  }
  return rows
}

/** Flops a second of the best large square product, on all cores. */
async function measurePeak(seconds) {
  const engine = await createEngine('cpu')
  const [a, b] = [1, 2].map(seed => engine.upload(randomUnitRows(PEAK_SIZE, PEAK_SIZE, seed)))
  const out = engine.alloc(PEAK_SIZE, PEAK_SIZE)
  let best = Infinity
  const start = performance.now()
  for (let now = start, runs = 0; runs < 3 || now - start < seconds * 1000; runs++) {
    engine.gemm(a, b, out)
    const end = performance.now()
    best = Math.min(best, end - now)
    now = end
  }
  engine.dispose()
  return (2 * PEAK_SIZE ** 3) / (best / 1000)
}

/**
 * Bytes a second, read and written, of the best copy on all cores within so many bytes: what fits a cache is as fast as it.
 * @param {number} bytes
 */
async function measureBandwidth(bytes) {
  const threads = availableParallelism()
  const values = Math.ceil(bytes / (2 * 4 * threads))
  const script = new URL('./copy-worker.mjs', import.meta.url)
  const workers = Array.from({ length: threads }, () => new Worker(script, { workerData: { values } }))
  const answers = () => Promise.all(workers.map(worker => new Promise(done => worker.once('message', done))))
  try {
    await answers()
    let best = 0
    for (let i = 0; i < TRIES; i++) {
      const rates = answers()
      for (const worker of workers) worker.postMessage(COPY_MS)
      best = Math.max(
        best,
        (await rates).reduce((sum, rate) => sum + rate, 0),
      )
    }
    return best
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()))
  }
}

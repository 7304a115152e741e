import { availableParallelism, cpus } from 'node:os'
import { Worker } from 'node:worker_threads'
import { createEngine } from '../dist/engines/index.js'
import { PAIRS } from './options.mjs'
import { randomUnitRows } from './random-data.mjs'

const COPY_MS = 40
const TRIES = 8
/** The smaller ones fit into the moments in which a busy machine has all cores free. */
const PEAK_SIZES = [512, 1024, 2048]

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
export function createFloor({ options, progress }) {
  let peak = 0
  /** Bytes a second by dimension. */
  const bandwidths = new Map(options.dims.map(dim => [dim, 0]))

  return {
    /** Measures; called at several times of a run, so that the best figures are those of a quiet moment. */
    async measure() {
      progress('floor')
      peak = Math.max(peak, await measurePeak(options.quick ? 0.5 : 1))
      for (const [dim, best] of bandwidths) {
        bandwidths.set(dim, Math.max(best, await measureBandwidth(STATE_BYTES_PER_WEIGHT * dim * dim)))
      }
    },
    rows: () => options.dims.flatMap(dim => options.batches.map(batch => floorOf(dim, batch, peak, bandwidths.get(dim)))),
  }
}

function floorOf(dim, batch, peak, bandwidth) {
  const flops = 2 * (2 * batch * dim * dim) + 2 * (2 * batch * batch * dim)
  const bytes = BYTES_PER_WEIGHT * dim * dim
  const flopsMs = (flops / peak) * 1000
  const bytesMs = (bytes / bandwidth) * 1000
  const msPerStep = flopsMs + bytesMs
  return {
    bench: 'floor',
    engine: 'machine',
    machine: `${cpus()[0]?.model.trim()}, ${availableParallelism()} threads`,
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
  }
}

/** Flops a second of the best square product, on all cores. */
async function measurePeak(seconds) {
  const engine = await createEngine('cpu')
  let peak = 0
  for (const n of PEAK_SIZES) {
    const [a, b] = [1, 2].map(seed => engine.upload(randomUnitRows(n, n, seed)))
    const out = engine.alloc(n, n)
    const until = performance.now() + (seconds * 1000) / PEAK_SIZES.length
    for (let now = 0, runs = 0; runs < 3 || now < until; runs++) {
      const start = performance.now()
      engine.gemm(a, b, out)
      now = performance.now()
      peak = Math.max(peak, (2 * n ** 3) / ((now - start) / 1000))
    }
    for (const t of [a, b, out]) engine.free(t)
  }
  engine.dispose()
  return peak
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

import { applyAdapter } from '../dist/index.js'
import { identity, matrix, row } from '../dist/math/matrix.js'
import { randomUnitRows } from './random-data.mjs'
import { median, share } from './statistics.mjs'

const WARM_UP_MS = 300
const QUERIES = 64

/**
 * `applyAdapter` for one vector at a time.
 * @param {import('./run.mjs').Context} context
 */
export function benchApply({ options, progress }) {
  return options.applyDims.map(dim => {
    progress(`applyAdapter, dim ${dim}`)
    const adapter = /** @type {import('../dist/index.js').Adapter} */ ({
      kind: 'linear',
      base: { id: 'bench/random', dimensions: dim, normalized: true },
      training: { tool: 'bench', date: '', data: {}, options: {}, metrics: {} },
      params: { W: identity(dim), b: matrix(1, dim) },
    })
    const queries = randomUnitRows(QUERIES, dim, 1)
    const vectors = Array.from({ length: QUERIES }, (_, i) => row(queries, i).slice())
    callsDuring(WARM_UP_MS, adapter, vectors)
    const times = callsDuring(options.seconds * 1000, adapter, vectors)
    const p50Ms = median(times)
    return {
      bench: 'apply',
      engine: 'cpu',
      dim,
      calls: times.length,
      p50Ms,
      p99Ms: share(times, 0.99),
      gigabytesPerSecond: (4 * dim * dim) / p50Ms / 1e6,
    }
  })
}

/** Milliseconds of every call, at least 20 of them. */
function callsDuring(ms, adapter, vectors) {
  const times = []
  const start = performance.now()
  for (let now = start; now - start < ms || times.length < 20; ) {
    applyAdapter(adapter, vectors[times.length % vectors.length])
    const end = performance.now()
    times.push(end - now)
    now = end
  }
  return times
}

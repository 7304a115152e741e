// Bridges between models: the time and memory of a fit, and the table of docs/migrating.md.
// npm run bench:bridge                    5,000 of 1,000,000 rows, 1,536 to 3,072 dimensions and back
// npm run bench:bridge -- --vectors DIR   nDCG@10 for every pair of folders DIR/<model>/<set>
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bridge } from '../dist/index.js'

const { vectors, rows = '1000000' } = parseArgs({
  options: { vectors: { type: 'string' }, rows: { type: 'string' } },
}).values

/** A number from -1 to 1 that depends on x alone. */
function hashed(x) {
  let h = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1
}

/** Rows that are computed when they are read: a rotation-like mix of the same hidden values for both models. */
function model(cols, seed) {
  const hidden = 256
  const mix = Float32Array.from({ length: cols * hidden }, (_, k) => hashed(k ^ (seed << 24)) / Math.sqrt(hidden))
  const vector = (id, out) => {
    const z = Float32Array.from({ length: hidden }, (_, j) => hashed(id * hidden + j))
    let sum = 0
    for (let i = 0; i < cols; i++) {
      let s = 0.1 * Math.sin(seed * id + i)
      for (let j = 0; j < hidden; j++) s += mix[i * hidden + j] * z[j]
      out[i] = s
      sum += s * s
    }
    for (let i = 0; i < cols; i++) out[i] /= Math.sqrt(sum)
  }
  const source = (count, first) => ({
    rows: count,
    cols,
    gather(ids, out) {
      for (const [i, id] of ids.entries()) vector(first + id, out.subarray(i * cols, (i + 1) * cols))
    },
  })
  const docs = source(Number(rows), 1)
  const part = { baseId: `model/${cols}`, queryIds: [], docIds: { length: docs.rows }, positives: [], docs }
  return { train: { ...part, queries: source(0, 0), docTextGroup: new Uint32Array() } }
}

if (vectors === undefined) {
  for (const [from, to] of [
    [1536, 3072],
    [3072, 1536],
  ]) {
    const [started, cpu] = [performance.now(), process.cpuUsage()]
    const { report } = await bridge({ from: model(from, 3), to: model(to, 5), onTried: fit => console.error(fit) })
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    const { user, system } = process.cpuUsage(cpu)
    const memory = (process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)
    console.log(
      `${from} to ${to}: ${seconds} s (${((user + system) / 1e6).toFixed(0)} s of processor time), ${memory} GiB, ${report.fit.fit}, overlap ${report.overlap.toFixed(3)}`,
    )
  }
} else {
  const models = readdirSync(vectors)
  const sets = [...new Set(models.flatMap(name => readdirSync(join(vectors, name))))].sort()
  const ndcg = scores => scores?.['ndcg@10'].toFixed(4) ?? ''
  console.log('set | queries by | index by | native | mapped | recovered | with labels | embedded anew | map')
  for (const set of sets) {
    for (const [a, b] of models.flatMap(from => models.map(to => [from, to]))) {
      const [from, to] = [join(vectors, a, set), join(vectors, b, set)]
      if (a === b || !existsSync(from) || !existsSync(to)) continue
      const { report } = await bridge({ from, to, train: join(to, 'pairs.json') })
      const { native, mapped, labelled } = report.metrics
      const figures = [ndcg(native), ndcg(mapped), report.recovered.toFixed(3), ndcg(labelled), ndcg(report.reembedded)]
      console.log([set, a, b, ...figures, report.gate.kept ? report.fit.fit : `${report.fit.fit}, labels rejected`].join(' | '))
    }
  }
}

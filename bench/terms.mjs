// node bench/terms.mjs [--documents 20000] [--dims 384] [--rows 40000] [--words 100]      after npm run build
//
// Cost of text terms on made-up documents of Zipf-distributed words: seconds and memory of building a table in a stream, bytes of its
// file, milliseconds to load it, microseconds that a query of 12 words costs on top of W q + b. A million documents: --documents 1000000.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { applyAdapter } from '../dist/adapters/adapter.js'
import { loadAdapter, saveAdapter } from '../dist/adapters/file.js'
import { createTerms } from '../dist/adapters/terms.js'
import { identity, matrix } from '../dist/math/matrix.js'
import { createRandom } from '../dist/math/random.js'
import { buildTable } from '../dist/terms/build-table.js'
import { createTokenizer, termsOf } from '../dist/terms/tokens.js'

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '20000' },
    dims: { type: 'string', default: '384' },
    rows: { type: 'string', default: '40000' },
    words: { type: 'string', default: '100' },
  },
})
const [documents, dims, rows, words] = [values.documents, values.dims, values.rows, values.words].map(Number)
const VOCABULARY = 200_000
/** The fastest counts: another program may slow one. */
const LOADS = 5

/** Words by Zipf's law, about: the rank is a power of a uniform number. */
const textOf = (random, count) => Array.from({ length: count }, () => `w${Math.floor(VOCABULARY ** random.next())}`).join(' ')

const analysis = { english: false, common: [] }
const tokenize = createTokenizer(analysis)
const terms = {
  *[Symbol.iterator]() {
    const random = createRandom(1)
    for (let i = 0; i < documents; i++) yield termsOf(tokenize(textOf(random, words)))
  },
}
/** Rows that are made when they are read. */
const vectors = {
  rows: documents,
  cols: dims,
  gather(indices, out) {
    indices.forEach((row, i) => {
      const random = createRandom(row)
      for (let j = 0; j < dims; j++) out[i * dims + j] = random.next() - 0.5
    })
  },
}
let peak = 0
const watch = () => {
  peak = Math.max(peak, process.memoryUsage().rss)
}
const watched = {
  *[Symbol.iterator]() {
    let i = 0
    for (const found of terms) {
      if (i++ % 1000 === 0) watch()
      yield found
    }
  },
}
const started = performance.now()
const { table, terms: found, collisions } = buildTable({ terms: watched, vectors }, { rows })
const seconds = (performance.now() - started) / 1000
watch()

const folder = mkdtempSync(join(tmpdir(), 'bench-terms-'))
try {
  const corpus = { documents, date: new Date(0).toISOString(), sha256: '' }
  const path = join(folder, 'x.json')
  const base = { id: 'bench', dimensions: dims, normalized: true }
  const training = { tool: '', date: '', data: {}, options: {}, metrics: {} }
  const facts = { source: 'words', alpha: 0.5, corpus, proven: true }
  const params = { W: identity(dims), b: matrix(1, dims) }
  const plain = { kind: 'linear', base, training, params }
  saveAdapter({ ...plain, terms: createTerms(facts, analysis, { name: 'words', table }) }, path)
  const file = join(folder, JSON.parse(readFileSync(path, 'utf8')).terms.file)
  let [adapter, load] = [undefined, Number.POSITIVE_INFINITY]
  for (let i = 0; i < LOADS; i++) {
    const before = performance.now()
    adapter = loadAdapter(path)
    load = Math.min(load, performance.now() - before)
  }
  const random = createRandom(5)
  const queries = Array.from({ length: 500 }, () => textOf(random, 12))
  const q = Float32Array.from({ length: dims }, () => random.normal())
  const median = of => {
    const times = queries.map(text => {
      const from = performance.now()
      applyAdapter(of, q, text)
      return performance.now() - from
    })
    return times.sort((a, b) => a - b)[times.length >> 1] * 1000
  }
  for (const of of [adapter, plain]) median(of)
  const micros = median(adapter) - median(plain)
  process.stdout.write(
    `${documents} documents of ${words} words, ${dims} dimensions: ${found} terms counted, ${table.keys.length} rows, ${collisions} collisions\n` +
      `built in ${seconds.toFixed(1)} s, at most ${(peak / 1e6).toFixed(0)} MB in memory\n` +
      `file ${(statSync(file).size / 1e6).toFixed(2)} MB, adapter loaded in ${load.toFixed(0)} ms, ${micros.toFixed(0)} microseconds a query more\n`,
  )
} finally {
  rmSync(folder, { recursive: true })
}

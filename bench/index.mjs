/**
 * Measures training from an index and reading it: 20,000 vectors of 384 values in PGlite, LanceDB and, with --pg URL, in a PostgreSQL of
 * your own (`pgvector:///postgres?host=/socket/folder`, PGUSER and PGPASSWORD set; the table `adapter_train_bench` is made anew).
 *
 *   npm run build && node bench/index.mjs [--rows 20000] [--dimensions 384] [--pg URL] [--json]
 *
 * The model, the queries and the documents are made from a seed; queries miss their documents in one direction.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { customProvider, openData, openIndex, runEvaluation, runTraining } from '../dist/index.js'

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '20000' },
    dimensions: { type: 'string', default: '384' },
    queries: { type: 'string', default: '600' },
    pg: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const [rows, d, queries] = [options.rows, options.dimensions, options.queries].map(Number)
const folder = mkdtempSync(join(tmpdir(), 'bench-index-'))
const FETCH = 1000
const RUNS = 3

// Documents in a few dozen clusters, so that an approximate search has something to miss.
const random = mulberry32(1)
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
const unit = v => {
  const length = Math.hypot(...v)
  return v.map(value => value / length)
}
const centres = Array.from({ length: 40 }, () => Float32Array.from({ length: d }, normal))
const docs = Array.from({ length: rows }, (_, i) => {
  const centre = centres[i % centres.length]
  return unit(Float32Array.from({ length: d }, (_, j) => centre[j] + 0.8 * normal()))
})
const shift = unit(Float32Array.from({ length: d }, normal))
const asked = Array.from({ length: queries }, (_, i) => {
  const doc = Math.floor(random() * rows)
  const vector = unit(Float32Array.from({ length: d }, (_, j) => docs[doc][j] + 2.5 * shift[j] + (3.4 / Math.sqrt(d)) * normal()))
  return { id: `q${i}`, text: `question ${i}`, doc, vector }
})
const held = Math.floor(queries / 3)
const [test, train] = [asked.slice(0, held), asked.slice(held)]
const vectorOf = new Map(asked.map(({ text, vector }) => [text, vector]))
const provider = customProvider({
  id: 'bench/model',
  dimensions: d,
  limits: { maxInputs: 1000 },
  embed: texts => texts.map(text => vectorOf.get(text)),
})
const labels = (name, set) => ({
  name,
  queries: new Map(set.map(({ id, text }) => [id, text])),
  corpus: new Map(),
  qrels: new Map(set.map(({ id, doc }) => [id, new Map([[`d${doc}`, 1]])])),
})
const RUN = { tune: 'off', train: { epochs: 5, seed: 1, negatives: 'corpus', maxNegatives: 2000 } }

const found = []
try {
  const reference = await fromFolder()
  found.push({ index: 'folder of vectors', ...reference })
  for (const make of [lancedb, pglite, ...(options.pg ? [postgres] : [])]) found.push(await measure(await make(), reference))
  if (options.json) console.log(JSON.stringify({ rows, dimensions: d, queries, found }, null, 2))
  else console.table(found)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function fromFolder() {
  const vectors = join(folder, 'vectors')
  mkdirSync(vectors)
  const write = (name, list) => {
    writeFileSync(join(vectors, `${name}.f32`), Buffer.concat(list.map(v => Buffer.from(v.buffer, v.byteOffset, v.byteLength))))
  }
  writeFileSync(join(vectors, 'shape.json'), JSON.stringify({ dim: d }))
  write('docs', docs)
  for (const [prefix, set] of [
    ['', train],
    ['test_', test],
  ]) {
    write(
      `${prefix}queries`,
      set.map(({ vector }) => vector),
    )
    writeFileSync(join(vectors, `${prefix}pairs.json`), JSON.stringify(set.map(({ doc }, i) => [i, doc])))
  }
  return trained(await openData({ vectors, baseId: 'bench/model', valFraction: 0, testFraction: 0 }))
}

async function trained(data) {
  const started = performance.now()
  const { adapter, report } = await runTraining({ ...RUN, data, provider })
  const hash = createHash('sha256')
  for (const { data: values } of Object.values(adapter.params))
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  return {
    adapter: hash.digest('hex').slice(0, 12),
    'base ndcg@10': round(report.metrics.base['ndcg@10']),
    'ndcg@10': round(report.metrics.adapted['ndcg@10']),
    'training s': round((performance.now() - started) / 1000),
  }
}

async function measure({ name, url, raw }, reference) {
  const ours = async () => {
    const index = await openIndex(url)
    const started = performance.now()
    let count = 0
    for await (const block of index.scan({ vectors: true, size: FETCH })) count += block.length
    const seconds = (performance.now() - started) / 1000
    await index.close()
    if (count !== rows) throw new Error(`${name}: read ${count} rows of ${rows}`)
    return seconds
  }
  const [scan, client] = [[], []]
  for (let i = 0; i < RUNS; i++) {
    scan.push(await ours())
    client.push(await raw())
  }
  const data = await openData({ train: labels('train', train), test: labels('test', test), index: url })
  const result = await trained(data)
  const { adapter } = await runTraining({ ...RUN, data, provider })
  const { index, metrics } = await runEvaluation({
    data: await openData({ test: labels('test', test), index: url }),
    provider,
    adapter,
  })
  const [ms, rawMs] = [Math.min(...scan), Math.min(...client)]
  return {
    index: name,
    ...result,
    same: result.adapter === reference.adapter,
    'scan rows/s': Math.round(rows / ms),
    'raw rows/s': Math.round(rows / rawMs),
    'of raw': round(rawMs / ms),
    'recall base': round(index.recall.base),
    'recall adapted': round(index.recall.adapted),
    'index ndcg@10': round(metrics.index.adapted['ndcg@10']),
    restored: index.restored ?? '',
  }
}

async function lancedb() {
  const { connect, Index, makeArrowTable } = await import('@lancedb/lancedb')
  const path = join(folder, 'lance')
  const data = makeArrowTable(docs.map((vector, i) => ({ id: `d${i}`, vector: Array.from(vector) })))
  const table = await (await connect(path)).createTable('docs', data)
  const numSubVectors = d / 16
  await table.createIndex('vector', {
    config: Index.ivfPq({ distanceType: 'cosine', numPartitions: 64, numSubVectors }),
  })
  return {
    name: 'LanceDB, IVF_PQ',
    url: `lancedb://${path}#docs`,
    async raw() {
      const started = performance.now()
      let count = 0
      for await (const batch of table.query().select(['id', 'vector'])) {
        const [ids, vectors] = [batch.getChild('id'), batch.getChild('vector')]
        for (let i = 0; i < batch.numRows; i++) if (ids.get(i) && vectors.get(i).toArray()) count++
      }
      return count > 0 ? (performance.now() - started) / 1000 : 0
    },
  }
}

/** SQL of the table, in blocks. */
function* sqlOf(table) {
  yield `DROP TABLE IF EXISTS ${table}`
  yield `CREATE TABLE ${table} (id text PRIMARY KEY, embedding vector(${d}))`
  for (let i = 0; i < rows; i += FETCH) {
    const part = docs.slice(i, i + FETCH).map((vector, k) => `('d${i + k}', '[${vector.join(',')}]')`)
    yield `INSERT INTO ${table} VALUES ${part.join(', ')}`
  }
  yield `CREATE INDEX ON ${table} USING ivfflat (embedding vector_cosine_ops) WITH (lists = 64)`
}

/** Reads ids and vectors as the client gives them, as texts, by the same cursor. */
async function cursor(query, table) {
  const started = performance.now()
  await query('BEGIN READ ONLY')
  await query(`DECLARE raw NO SCROLL CURSOR FOR SELECT id, embedding FROM ${table}`)
  let count = 0
  for (;;) {
    const { rows: block } = await query(`FETCH ${FETCH} FROM raw`)
    if (block.length === 0) break
    count += block.length
  }
  await query('COMMIT')
  return count > 0 ? (performance.now() - started) / 1000 : 0
}

async function pglite() {
  const { PGlite } = await import('@electric-sql/pglite')
  const { vector } = await import('@electric-sql/pglite-pgvector')
  const path = join(folder, 'pglite')
  const open = () => PGlite.create(path, { extensions: { vector } })
  const db = await open()
  await db.exec('CREATE EXTENSION vector')
  for (const sql of sqlOf('docs')) await db.exec(sql)
  await db.close()
  return {
    name: 'PGlite, IVFFlat',
    url: `pglite://${path}#docs`,
    async raw() {
      const again = await open()
      const seconds = await cursor(text => again.query(text, [], { rowMode: 'array' }), 'docs')
      await again.close()
      return seconds
    },
  }
}

async function postgres() {
  const { default: pg } = await import('pg')
  const table = 'adapter_train_bench'
  const { pathname, searchParams, host } = new URL(options.pg)
  const connect = async () => {
    const client = new pg.Client({ host: searchParams.get('host') ?? host, database: pathname.slice(1) })
    await client.connect()
    return client
  }
  const client = await connect()
  await client.query('CREATE EXTENSION IF NOT EXISTS vector')
  for (const sql of sqlOf(table)) await client.query(sql)
  await client.query(`ANALYZE ${table}`)
  await client.end()
  return {
    name: 'PostgreSQL, IVFFlat',
    url: `${options.pg}#${table}`,
    async raw() {
      const again = await connect()
      const types = { getTypeParser: () => text => text }
      const seconds = await cursor(text => again.query({ text, rowMode: 'array', types }), table)
      await again.end()
      return seconds
    },
  }
}

function round(value) {
  return Math.round(value * 1e4) / 1e4
}

function mulberry32(seed) {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

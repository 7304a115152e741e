// node bench/hybrid-sql.mjs --vectors DIR --texts DIR [--adapter FILE]      after npm run build
//
// Whether `adapter-train hybrid` keeps its promise on PostgreSQL with pgvector (PGlite, in this process): writes a TREC run of the
// engine's own full-text search, tunes the weight for it, runs the SQL that is printed, and measures nDCG@10 of what it finds.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { applyAdapter } from '../dist/adapters/adapter.js'
import { loadAdapter } from '../dist/adapters/file.js'
import { scoreRankings } from '../dist/evaluate/metrics.js'
import { row } from '../dist/math/matrix.js'
import { toMatrix } from '../dist/math/row-source.js'
import { openData } from '../dist/pipeline/open-data.js'
import { termsForCorpus } from '../dist/pipeline/terms-step.js'

const { values } = parseArgs({
  options: { vectors: { type: 'string' }, texts: { type: 'string' }, adapter: { type: 'string' } },
})
const { vectors, texts, adapter: file } = values
const { data } = await (await openData({ vectors, texts, valFraction: 0, testFraction: 0 })).embedMeasured()
const [queries, docs] = [toMatrix(data.queries), toMatrix(data.docs)]
const adapter = file && termsForCorpus(loadAdapter(file), data).adapter
const queryOf = i => (adapter ? applyAdapter(adapter, row(queries, i), data.queryTexts[i], { normalize: true }) : row(queries, i))

const db = await PGlite.create({ extensions: { vector } })
await db.exec(`CREATE EXTENSION vector; CREATE TABLE documents (id text, embedding vector(${docs.cols}), words tsvector)`)
for (const [i, id] of data.docIds.entries()) {
  const values = [id, JSON.stringify([...row(docs, i)]), data.docTexts[i]]
  await db.query("INSERT INTO documents VALUES ($1, $2, to_tsvector('english', $3))", values)
}

const folder = mkdtempSync(join(tmpdir(), 'hybrid-sql-'))
try {
  const lines = []
  const any = "(SELECT replace(plainto_tsquery('english', $1)::text, '&', '|')::tsquery AS query) AS any_word"
  for (const [i, id] of data.queryIds.entries()) {
    const { rows } = await db.query(`SELECT id, ts_rank_cd(words, query) AS score FROM documents, ${any} WHERE words @@ query`, [
      data.queryTexts[i],
    ])
    for (const found of rows) lines.push(`${id} Q0 ${found.id} 0 ${found.score} postgres`)
  }
  const run = join(folder, 'postgres.run')
  writeFileSync(run, lines.join('\n'))
  const args = ['hybrid', '--base', 'vectors', '--vectors', vectors, '--texts', texts, '--run', run]
  const main = new URL('../dist/cli/main.js', import.meta.url).pathname
  const { stdout } = spawnSync(process.execPath, [main, ...args, ...(file ? ['--adapter', file] : [])], {
    encoding: 'utf8',
    maxBuffer: 1e8,
  })
  process.stdout.write(stdout)
  const [, sql] = /PostgreSQL +(SELECT .*)/.exec(stdout)
  const found = []
  for (const i of data.queryIds.keys()) {
    const { rows } = await db.query(sql, [JSON.stringify([...queryOf(i)]), data.queryTexts[i]])
    found.push(rows.map(({ id }) => id))
  }
  const labelled = [...data.queryIds.keys()].filter(i => data.positives[i].size > 0)
  const rankingOf = i => {
    const grades = new Map([...data.positives[labelled[i]]].map(([document, grade]) => [data.docIds[document], grade]))
    const relevant = [...grades.values()].sort((a, b) => b - a)
    return { grades: found[labelled[i]].map(id => grades.get(id) ?? 0), relevant }
  }
  const { mean } = scoreRankings(labelled.length, rankingOf, ['ndcg@10'])
  process.stdout.write(`\nthe SQL on PGlite: ndcg@10 ${mean['ndcg@10'].toFixed(4)}\n`)
} finally {
  rmSync(folder, { recursive: true })
  await db.close()
}

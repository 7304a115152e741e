import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { storeLines } from '../../src/cli/output/hybrid-stores.js'
import { readDataset } from '../../src/dataset/read.js'
import { embedDataset } from '../../src/embed/embed-dataset.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createJsEngine } from '../../src/engines/js.js'
import { scoreRankings } from '../../src/evaluate/metrics.js'
import type { ScoredRun } from '../../src/evaluate/trec-run.js'
import { type Matrix, row } from '../../src/math/matrix.js'
import { toMatrix } from '../../src/math/row-source.js'
import { tuneHybrid } from '../../src/pipeline/tune-hybrid.js'
import { createProvider } from '../../src/providers/index.js'

let db: PGlite
let data: EmbeddedDataset
const vectorOf = (rows: Matrix, i: number) => JSON.stringify([...row(rows, i)])

beforeAll(async () => {
  const { dataset } = await readDataset('examples/data/test_dataset.json')
  const { datasets } = await embedDataset(await createProvider('hashing', { dimensions: 64 }), [dataset])
  data = { ...datasets[0], queries: toMatrix(datasets[0].queries), docs: toMatrix(datasets[0].docs) }
  db = await PGlite.create({ extensions: { vector } })
  await db.exec('CREATE EXTENSION vector; CREATE TABLE documents (id text, embedding vector(64), words tsvector)')
  for (const [i, id] of data.docIds.entries()) {
    const values = [id, vectorOf(data.docs, i), data.docTexts![i]]
    await db.query("INSERT INTO documents VALUES ($1, $2, to_tsvector('english', $3))", values)
  }
})
afterAll(() => db.close())

/** The engine's own scores, as a TREC run has them. */
async function fullTextRun(): Promise<ScoredRun> {
  const any = "(SELECT replace(plainto_tsquery('english', $1)::text, '&', '|')::tsquery AS query) AS any_word"
  const sql = `SELECT id, ts_rank_cd(words, query) AS score FROM documents, ${any} WHERE words @@ query`
  const run = new Map<string, { documents: string[]; scores: number[] }>()
  for (const [i, id] of data.queryIds.entries()) {
    const { rows } = await db.query<{ id: string; score: number }>(sql, [data.queryTexts![i]])
    run.set(id, { documents: rows.map(found => found.id), scores: rows.map(found => found.score) })
  }
  return run
}

test('the SQL that is printed finds on PostgreSQL what the tuned weight promises', async () => {
  const { tuned, vectors } = await tuneHybrid(createJsEngine(), data, {
    run: await fullTextRun(),
    metric: 'ndcg@10',
    seed: 42,
  })
  const { passed, weight, outOfFold } = tuned.find(({ fusion }) => fusion === 'raw')!
  expect(passed).toBe(true)
  expect(outOfFold).toBeGreaterThan(vectors + 0.05)
  const [, sql] = /PostgreSQL +(SELECT .*)/.exec(storeLines('raw', weight, 100, true).join('\n'))!
  const found: string[][] = []
  for (const i of data.queryIds.keys()) {
    const { rows } = await db.query<{ id: string }>(sql, [vectorOf(data.queries, i), data.queryTexts![i]])
    found.push(rows.map(({ id }) => id))
  }
  const rankingOf = (i: number) => {
    const grades = new Map([...data.positives[i]].map(([document, grade]) => [data.docIds[document], grade]))
    return { grades: found[i].map(id => grades.get(id) ?? 0), relevant: [...grades.values()].sort((a, b) => b - a) }
  }
  const { mean } = scoreRankings(data.queryIds.length, rankingOf, ['ndcg@10'])
  expect(Math.abs(mean['ndcg@10'] - outOfFold)).toBeLessThan(0.01)
})

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openIndex } from '../../src/indexes/index.js'
import { sampleRows, vectorIndexContract } from '../contracts/vector-index.js'
import { migrateColumns } from '../helpers/migrating.js'
import { rejection } from '../helpers/rejection.js'
import { SQL_FILTERS, tableSql } from '../helpers/sql-index.js'

const folder = mkdtempSync(join(tmpdir(), 'pglite-'))
const database = join(folder, 'db')
const numbered = sampleRows(row => String(row + 1))

// Making a database takes seconds, so that all tests share one.
beforeAll(async () => {
  const db = await PGlite.create(database, { extensions: { vector } })
  await db.exec(`CREATE EXTENSION vector;
    ${tableSql('plain', sampleRows())}
    CREATE SCHEMA shop;
    ${tableSql('shop."my docs"', numbered, { half: true, type: 'bigint' })}
    CREATE INDEX ON shop."my docs" USING hnsw (half halfvec_l2_ops);
    CREATE INDEX ON shop."my docs" USING ivfflat (embedding vector_ip_ops) WITH (lists = 4);
    CREATE TABLE odd (id text, vector vector);
    INSERT INTO odd VALUES ('b', NULL), ('a', '[1,2,3]');`)
  await db.close()
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

vectorIndexContract('pglite without an index', async () => {
  return { url: `pglite://${database}#plain`, rows: sampleRows(), ...SQL_FILTERS }
})

vectorIndexContract('pglite with an HNSW index of halfvec, in a schema, with numbers as ids', async () => {
  const url = `pglite://${database}?vector=half#shop.my%20docs`
  return { url, rows: numbered, ...SQL_FILTERS, tolerance: 1e-3, isPrecise: false }
})

test('two columns of pgvector are searched together as docs/migrating.md has it, before, while and after rows are embedded anew', async () => {
  const db = await PGlite.create({ extensions: { vector } })
  await db.exec('CREATE EXTENSION vector')
  await migrateColumns((sql, values) => db.query(sql, [...(values ?? [])]))
  await db.close()
}, 120_000)

test('pglite takes the metric from the operator class, and says that a table without an index is scanned', async () => {
  const open = async (rest: string) => {
    const index = await openIndex(`pglite://${database}${rest}`)
    await index.close()
    return index
  }
  const plain = await open('#plain')
  expect(plain).toMatchObject({ metric: 'cosine', storage: 'float32' })
  expect(plain.ann).toBeUndefined()
  expect(plain.notes).toEqual(['plain has no HNSW or IVFFlat index on embedding: every search is an exact scan'])
  const half = await open('?vector=half#shop.my%20docs')
  expect(half).toMatchObject({ metric: 'l2', storage: 'float16', ann: { kind: 'hnsw', effort: { ef_search: 40 } } })
  const lists = await open('?vector=embedding#shop.my%20docs')
  expect(lists).toMatchObject({ metric: 'dot', ann: { kind: 'ivfflat', effort: { probes: 1 } } })
  expect(lists.ann!.ladder).toEqual([{ probes: 1 }, { probes: 2 }, { probes: 4 }, { probes: 4, iterative_scan: 'relaxed_order' }])
})

test('pglite learns undeclared dimensions from a row, and leaves out rows without a vector', async () => {
  const index = await openIndex(`pglite://${database}#odd`)
  expect([index.dimensions, index.hasTexts, await index.count()]).toEqual([3, false, 1])
  await index.close()
})

test('pglite runs everything in READ ONLY transactions', async () => {
  const index = await openIndex(`pglite://${database}#plain`)
  const error = await rejection(index.count("(SELECT nextval('s') FROM pg_create_logical_replication_slot('a', 'b')) = 1"))
  expect(error.code).toBe('INDEX_OPEN')
  const writing = await rejection(index.count("set_config('transaction_read_only', 'off', true) = 'off'"))
  const tricked = await rejection(index.search(new Float32Array(8), 1, { effort: { ef_search: '1; COMMIT' } }))
  expect(tricked.code).toBe('USAGE')
  expect(writing.message).toMatch(/transaction read-write mode must be set before any query/)
  await index.close()
})

test('pglite makes no database, and names what it finds instead', async () => {
  const before = readdirSync(folder)
  const missing = await rejection(openIndex(`pglite://${join(folder, 'none')}#docs`))
  expect(missing).toMatchObject({ code: 'INDEX_OPEN', message: expect.stringContaining('is not a folder of PGlite') })
  expect(readdirSync(folder)).toEqual(before)
  expect(await rejection(openIndex(`pglite://${database}#docs`))).toMatchObject({
    message: expect.stringContaining('there is no table docs'),
  })
})

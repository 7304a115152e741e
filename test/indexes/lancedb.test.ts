import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, Index } from '@lancedb/lancedb'
import { Field, FixedSizeList, Float16, Float64, Int64, Schema, Utf8 } from 'apache-arrow'
import { afterAll, expect, test } from 'vitest'
import { openIndex } from '../../src/indexes/index.js'
import { fromFloat16Bits, toFloat16Bits } from '../../src/math/bytes.js'
import { sampleRows, vectorIndexContract } from '../contracts/vector-index.js'
import { rejection } from '../helpers/rejection.js'

const folder = mkdtempSync(join(tmpdir(), 'lancedb-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const FILTERS = { filter: "kind = 'third'", brokenFilter: 'no_such_column = 1' }

vectorIndexContract('lancedb without an index', async () => {
  const rows = sampleRows()
  await (await connect(folder)).createTable('plain', rows as never, { mode: 'overwrite' })
  return { url: `lancedb://${folder}?metric=cosine#plain`, rows, ...FILTERS }
})

vectorIndexContract('lancedb with an HNSW index, columns by name and numbers as ids', async () => {
  // Rounded here, since Arrow's own rounding has halved a value just below a power of 2.
  const half = (value: number) => fromFloat16Bits(toFloat16Bits(value))
  const rows = sampleRows(row => String(9007199254740000 + row)).map(row => ({ ...row, vector: row.vector.map(half) }))
  const list = new FixedSizeList(8, new Field('item', new Float16(), true))
  const schema = new Schema([
    new Field('number', new Int64(), false),
    new Field('words', new Utf8(), true),
    new Field('kind', new Utf8(), true),
    new Field('half', list, true),
  ])
  const data = rows.map(({ id, text, kind, vector }) => ({ number: BigInt(id), words: text, kind, half: vector }))
  const table = await (await connect(folder)).createTable('named', data as never, { schema, mode: 'overwrite' })
  await table.createIndex('half', { config: Index.hnswSq({ distanceType: 'l2', numPartitions: 1 }) })
  const url = `lancedb://${folder}?id=number&text=words&vector=half#named`
  return { url, rows, ...FILTERS, tolerance: 0, isPrecise: false }
})

test('lancedb tells what a table without an index means, and its own default metric', async () => {
  const index = await openIndex(`lancedb://${folder}#plain`)
  expect(index).toMatchObject({ metric: 'l2', storage: 'float32' })
  expect(index.ann).toBeUndefined()
  expect(index.notes).toEqual(['plain has no index on vector: every search is an exact scan'])
  await index.close()
  const indexed = await openIndex(`lancedb://${folder}?id=number#named`)
  expect(indexed).toMatchObject({
    metric: 'l2',
    storage: 'float16',
    hasTexts: false,
    ann: { kind: expect.stringContaining('hnsw') },
  })
  expect(indexed.notes).toEqual([])
  await indexed.close()
})

test('lancedb leaves out rows without a vector, and reads vectors of float64', async () => {
  const list = new FixedSizeList(2, new Field('item', new Float64(), true))
  const schema = new Schema([new Field('id', new Utf8(), false), new Field('vector', list, true)])
  const rows = [
    { id: 'a', vector: [0.5, 1] },
    { id: 'b', vector: null },
    { id: 'c', vector: [2, 3] },
  ]
  await (await connect(folder)).createTable('holes', rows as never, { schema, mode: 'overwrite' })
  const index = await openIndex(`lancedb://${folder}#holes`)
  const found = []
  for await (const block of index.scan({ vectors: true })) found.push(...block)
  expect(found).toEqual([
    { id: 'a', vector: Float32Array.of(0.5, 1) },
    { id: 'c', vector: Float32Array.of(2, 3) },
  ])
  await index.close()
})

test('lancedb names a table or a column that is not there, and makes nothing', async () => {
  const missing = join(folder, 'missing')
  expect(await rejection(openIndex(`lancedb://${missing}#docs`))).toMatchObject({
    code: 'INDEX_OPEN',
    message: expect.stringContaining('has no table docs'),
  })
  expect(await rejection(openIndex(`lancedb://${folder}?vector=nothing#plain`))).toMatchObject({
    code: 'INDEX_OPEN',
    message: expect.stringContaining('there is no vector column "nothing"; expected one of vector'),
  })
})

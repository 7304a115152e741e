import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lancedb/lancedb'
import { afterAll, expect, test } from 'vitest'
import { openIndex } from '../../src/indexes/index.js'
import { fromRows } from '../../src/math/matrix.js'
import { indexCollection, memoryCollection } from '../../src/pages/collection.js'
import { buildWordSearch } from '../../src/pages/word-search.js'
import { sampleRows } from '../contracts/vector-index.js'
import { sampleLook } from './helper.js'

const folder = mkdtempSync(join(tmpdir(), 'collection-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('an index finds the same documents with the same cosines as memory, and has their texts', async () => {
  const rows = sampleRows()
  await (await connect(folder)).createTable('docs', rows as never)
  const index = await openIndex(`lancedb://${folder}?metric=cosine#docs`)
  const corpus = new Map(rows.map(({ id, text }) => [String(id), text ?? '']))
  const memory = memoryCollection(corpus, fromRows(rows.map(({ vector }) => vector)))
  const there = await indexCollection(index)
  expect(there.size).toBe(rows.length)
  const query = Float32Array.from(rows[3].vector, (x, i) => x + 0.1 * i)
  const hidden = new Set([String(rows[3].id)])
  const [a, b] = [await memory.search(query, 5, hidden), await there.search(query, 5, hidden)]
  expect(b.hits.map(({ id }) => id)).toEqual(a.hits.map(({ id }) => id))
  for (const [i, { id, score }] of b.hits.entries()) {
    expect(score).toBeCloseTo(a.hits[i].score, 5)
    expect([b.rank(id), a.rank(id)]).toEqual([i + 1, i + 1])
    expect((await there.text(id)) ?? '').toBe(corpus.get(id))
  }
  expect(a.rank(String(rows[3].id))).toBeUndefined()
  const words = await buildWordSearch(there.documents(), [])
  const { hits } = words.search(corpus.get(a.hits[0].id)!, 3)
  expect(hits[0].id).toBe(a.hits[0].id)
  await index.close()
})

test('a sketch of training queries in an older form is passed over, a damaged one refused', async () => {
  const corpus = new Map([['d0', 'brake']])
  const older = await sampleLook(new AbortController().signal, [], corpus, { familiarity: { means: 'AAAA' } })
  expect((await older.ask('brake', 1)).about[1]?.familiar).toBeUndefined()
  const damaged = { familiarity: { dimensions: 32, bits: 512, data: 7 } }
  await expect(sampleLook(new AbortController().signal, [], corpus, damaged)).rejects.toMatchObject({
    code: 'ADAPTER_FORMAT',
    message: expect.stringContaining('training.familiarity is damaged'),
  })
})

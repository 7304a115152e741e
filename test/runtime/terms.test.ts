import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { createTerms, TERMS_SOURCES } from '../../src/adapters/terms.js'
import { matrix, row } from '../../src/math/matrix.js'
import { buildFeedbackOf, buildWords } from '../../src/train/terms/corpus-terms.js'
import { randomMatrix } from '../contracts/engine/support.js'

const folder = mkdtempSync(join(tmpdir(), 'runtime-terms-'))
afterAll(() => rmSync(folder, { recursive: true }))

const script = fileURLToPath(new URL('../../scripts/build-runtime.mjs', import.meta.url))
const bundle = join(folder, 'runtime-terms.js')
execFileSync(process.execPath, [script, join(folder, 'runtime.js'), bundle])
const text = readFileSync(bundle, 'utf8')
const runtime: typeof import('../../src/runtime-terms/index.js') = await import(pathToFileURL(bundle).href)

const D = 300
const TEXTS = ['card pin blocked', 'card arrival time', 'exchange rate', '東京に行く']
const ANALYSIS = { english: true, common: [] }

function saved(source: (typeof TERMS_SOURCES)[number], d = D) {
  const documents = { ids: TEXTS.map((_, i) => `${i}`), texts: TEXTS, vectors: randomMatrix(TEXTS.length, d, 3) }
  const from = source === 'words' ? buildWords(documents, ANALYSIS, [50])[0] : buildFeedbackOf(documents, ANALYSIS)
  const corpus = { documents: 4, date: '2025-01-02T03:04:05.000Z', sha256: '' }
  const adapter: Adapter = {
    kind: 'linear',
    base: { id: 'test/model', dimensions: d, normalized: true },
    training: { tool: 'test', date: '', data: {}, options: {}, metrics: {} },
    params: { W: randomMatrix(d, d, 4), b: matrix(1, d, randomMatrix(1, d, 5).data) },
    terms: createTerms({ source, alpha: 0.7, corpus, proven: true }, ANALYSIS, from),
  }
  const path = join(folder, `${source}.json`)
  saveAdapter(adapter, path)
  const json = readFileSync(path, 'utf8')
  return { adapter, json, bytes: readFileSync(join(folder, JSON.parse(json).terms.file)) }
}

describe('the runtime bundle of text terms', () => {
  test('is smaller than 10,000 bytes, and imports nothing and names nothing that only Node has', () => {
    expect(Buffer.byteLength(text)).toBeLessThan(10_000)
    expect(text).not.toMatch(/\bimport\b|\brequire\b|node:|\bprocess\b|\bBuffer\b|\b__dirname\b/)
    expect(Object.keys(runtime).sort()).toEqual(['adaptQuery', 'loadAdapter'])
  })

  test.each(TERMS_SOURCES)('gives the vectors of the package to 1e-6, from %s', async source => {
    const { adapter, json, bytes } = saved(source)
    const inside = new Uint8Array(bytes.length + 3)
    inside.set(bytes, 3)
    const loaded = await runtime.loadAdapter(json, inside.subarray(3))
    expect(
      await runtime.loadAdapter(JSON.parse(json), bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
    ).toBeDefined()
    for (const query of ['my card PIN', '東京', 'nothing known']) {
      const q = row(randomMatrix(1, D, 9), 0)
      const expected = applyAdapter(adapter, q, query)
      const found = runtime.adaptQuery(loaded, q, query)
      expect(runtime.adaptQuery(loaded, [...q], query)).toEqual([...found])
      found.forEach((value, j) => {
        expect(Math.abs(value - expected[j])).toBeLessThan(1e-6)
      })
    }
  })

  test('reads columns that lie at no multiple of their size, as they do at 63 dimensions', async () => {
    const { adapter, json, bytes } = saved('words', 63)
    const q = row(randomMatrix(1, 63, 9), 0)
    const found = runtime.adaptQuery(await runtime.loadAdapter(json, bytes), q, 'my card PIN')
    applyAdapter(adapter, q, 'my card PIN').forEach((value, j) => {
      expect(found[j]).toBeCloseTo(value, 6)
    })
  })

  test('refuses another file of terms, and an adapter without any', async () => {
    const { json, bytes } = saved('words')
    await expect(runtime.loadAdapter(json, saved('feedback').bytes)).rejects.toMatchObject({ code: 'ADAPTER_CORRUPT' })
    const plain = json.replace('adapter-train/2', 'adapter-train/1')
    await expect(runtime.loadAdapter(plain, bytes)).rejects.toMatchObject({ code: 'ADAPTER_FORMAT' })
    const loaded = await runtime.loadAdapter(json, bytes)
    expect(() => runtime.adaptQuery(loaded, [1, 2], 'x')).toThrow('expected 300 dimensions, found 2')
  })
})

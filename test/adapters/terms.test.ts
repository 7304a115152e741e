import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { adapterHash, decodeAdapter, encodeAdapter, loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { type AdapterTerms, createTerms, TERMS_SOURCES } from '../../src/adapters/terms.js'
import { createJsEngine } from '../../src/engines/js.js'
import { identity, matrix, norm, row } from '../../src/math/matrix.js'
import { applyAdapterOn } from '../../src/train/adapt-on.js'
import { buildFeedbackOf, buildWords } from '../../src/train/terms/corpus-terms.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { randomMatrix } from '../contracts/engine/support.js'

const TEXTS = ['card pin blocked', 'card arrival time', 'exchange rate', 'blocked account 10-K', 'travel insurance']
const ANALYSIS = { english: true, common: [] }
const CORPUS = { documents: 5, date: '2025-01-02T03:04:05.000Z', sha256: 'ab'.repeat(32) }

const root = mkdtempSync(join(tmpdir(), 'adapter-terms-'))
afterAll(() => rmSync(root, { recursive: true }))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
})

function termsOf(source: AdapterTerms['source'], d: number): AdapterTerms {
  const documents = { ids: TEXTS.map((_, i) => `d${i}`), texts: TEXTS, vectors: randomMatrix(TEXTS.length, d, 3) }
  const from = source === 'words' ? buildWords(documents, ANALYSIS, [50])[0] : buildFeedbackOf(documents, ANALYSIS)
  return createTerms({ source, alpha: 0.5, corpus: CORPUS, proven: true }, ANALYSIS, from)
}

function adapterWith(source: AdapterTerms['source'], d: number): Adapter {
  const training = { tool: 'test', date: '2025-01-02T03:04:05.000Z', data: {}, options: {}, metrics: {} }
  const params = { W: identity(d), b: matrix(1, d) }
  const base = { id: 'test/model', dimensions: d, normalized: true }
  return { kind: 'linear', base, training, params, terms: termsOf(source, d) }
}

describe.each(TERMS_SOURCES)('text terms from %s', source => {
  test.each([8, 50, 63, 256, 300])('give the same vectors after a way through a file, at %i dimensions', d => {
    const adapter = adapterWith(source, d)
    const path = join(folder, 'x.json')
    saveAdapter(adapter, path)
    const loaded = loadAdapter(path)
    const q = row(randomMatrix(1, d, 9), 0)
    for (const text of ['my card PIN is blocked', 'rates of exchange', 'nothing known']) {
      expect([...applyAdapter(loaded, q, text)]).toEqual([...applyAdapter(adapter, q, text)])
    }
    expect(loaded.terms).toMatchObject({ source, alpha: 0.5, corpus: CORPUS, proven: true })
    expect(adapterHash(loaded)).toBe(adapterHash(adapter))
    expect(adapterHash(loaded)).not.toBe(adapterHash({ ...adapter, terms: undefined }))
  })

  test('pull a query towards the documents with its words, at length 1', () => {
    const adapter = adapterWith(source, 64)
    const documents = randomMatrix(TEXTS.length, 64, 3)
    const q = row(randomMatrix(1, 64, 9), 0)
    const cosine = (v: Float32Array, i: number) => {
      const d = row(documents, i)
      return v.reduce((sum, value, j) => sum + value * d[j], 0) / (norm(v) * norm(d))
    }
    const [plain, mixed] = [applyAdapter(adapter, q), applyAdapter(adapter, q, 'exchange rates')]
    expect(norm(mixed)).toBeCloseTo(1, 6)
    expect(cosine(mixed, 2)).toBeGreaterThan(cosine(plain, 2) + 0.2)
  })

  test('are mixed in on an engine, by wrappers and by the library alike', async () => {
    const adapter = adapterWith(source, 16)
    const queries = randomMatrix(3, 16, 5)
    const texts = ['card pin', undefined, 'exchange']
    const direct = applyAdapter(adapter, queries, texts)
    const onEngine = await applyAdapterOn(createJsEngine(), adapter, queries, texts)
    direct.data.forEach((value, i) => {
      expect(onEngine.data[i]).toBeCloseTo(value, 6)
    })
    const embedder = {
      embedQuery: async (_text: string) => [...row(queries, 0)],
      embedDocuments: async () => [[...row(queries, 0)]],
    }
    expect(await wrapEmbedder(embedder, adapter).embedQuery('card pin')).toEqual([...row(direct, 0)])
  })

  test('leave a query alone whose words are not known, except for its length', () => {
    const adapter = adapterWith(source, 16)
    const q = row(randomMatrix(1, 16, 9), 0)
    const mixed = applyAdapter(adapter, q, 'nothing known')
    mixed.forEach((value, j) => {
      expect(value).toBeCloseTo(q[j] / norm(q), 6)
    })
  })
})

describe('the file of an adapter with text terms', () => {
  const files = () => readdirSync(folder).sort()

  test('has a format that older readers refuse, and the terms beside it under their hash', () => {
    saveAdapter(adapterWith('words', 300), join(folder, 'x.json'))
    const json = JSON.parse(readFileSync(join(folder, 'x.json'), 'utf8'))
    expect(json.format).toBe('adapter-train/2')
    expect(json.terms.file).toBe(`x.terms-${json.terms.sha256.slice(0, 12)}.bin`)
    expect(files()).toEqual(['x.json', json.terms.file])
    expect(readFileSync(join(folder, json.terms.file)).length).toBe(json.terms.bytes)
  })

  test('holds no word of the corpus', () => {
    saveAdapter(adapterWith('words', 300), join(folder, 'x.json'))
    for (const name of files()) {
      expect(readFileSync(join(folder, name), 'latin1')).not.toMatch(/pin|blocked|arrival|exchange|insurance/)
    }
  })

  test('takes terms that it names no longer away', () => {
    const path = join(folder, 'x.json')
    saveAdapter(adapterWith('words', 300), path)
    writeFileSync(join(folder, 'x.terms-other.bin'), 'of somebody else')
    saveAdapter(adapterWith('feedback', 300), path)
    expect(files()).toHaveLength(3)
    saveAdapter({ ...adapterWith('words', 300), terms: undefined }, path)
    expect(files()).toEqual(['x.json', 'x.terms-other.bin'])
    expect(JSON.parse(readFileSync(path, 'utf8')).format).toBe('adapter-train/1')
  })

  test('is refused without its terms, and with others', () => {
    const path = join(folder, 'x.json')
    saveAdapter(adapterWith('words', 300), path)
    const other = join(folder, 'y.json')
    saveAdapter(adapterWith('feedback', 300), other)
    const fileOf = (of: string) => join(folder, JSON.parse(readFileSync(of, 'utf8')).terms.file)
    cpSync(fileOf(other), fileOf(path))
    expect(() => loadAdapter(path)).toThrow(expect.objectContaining({ code: 'ADAPTER_CORRUPT' }))
    rmSync(fileOf(path))
    expect(() => loadAdapter(path)).toThrow(
      expect.objectContaining({ code: 'FILE_READ', message: expect.stringContaining('Copy it beside') }),
    )
  })

  test('warns on another version of ICU, if words were found by the segmenter', async () => {
    const warned: string[] = []
    const listen = ({ message }: Error) => warned.push(message)
    process.on('warning', listen)
    for (const icu of [process.versions.icu, undefined, '1.0']) {
      const adapter = adapterWith('words', 300)
      const { from } = adapter.terms!
      const analysis = { ...ANALYSIS, ...(icu !== undefined && { icu }) }
      const terms = createTerms({ source: 'words', alpha: 0.5, corpus: CORPUS, proven: true }, analysis, from)
      saveAdapter({ ...adapter, terms }, join(folder, 'x.json'))
      loadAdapter(join(folder, 'x.json'))
      await new Promise(setImmediate)
    }
    process.off('warning', listen)
    expect(warned).toEqual([expect.stringContaining(`found by ICU 1.0, this program has ${process.versions.icu}`)])
  })

  test('names no file outside of its folder', () => {
    const path = join(folder, 'x.json')
    saveAdapter(adapterWith('words', 300), path)
    const json = readFileSync(path, 'utf8').replace(/"file": "/, '"file": "../')
    writeFileSync(path, json)
    expect(() => loadAdapter(path)).toThrow(expect.objectContaining({ code: 'ADAPTER_FORMAT' }))
  })

  test('as text alone is refused, unless the linear part is asked for', () => {
    const adapter = adapterWith('words', 300)
    saveAdapter(adapter, join(folder, 'x.json'))
    const text = readFileSync(join(folder, 'x.json'), 'utf8')
    expect(() => decodeAdapter(text)).toThrow('loadAdapter')
    expect(decodeAdapter(text, 'x.json', true)).toEqual({ ...adapter, terms: undefined })
    expect(decodeAdapter(encodeAdapter(adapter))).toEqual({ ...adapter, terms: undefined })
  })
})

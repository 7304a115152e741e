import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { decodeAdapter, encodeAdapter, loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { customProvider } from '../../src/providers/custom.js'
import { adaptQuery, loadAdapter as loadInBrowser } from '../../src/runtime/index.js'
import { createEmbeddingServer } from '../../src/serve/create-embedding-server.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const [QUERIES, INDEX] = [4, 6]
const vectorOf = (text: string): number[] => Array.from({ length: QUERIES }, (_, i) => (text.charCodeAt(i) || 1) / 100)
const provider = () => customProvider({ id: 'acme/new', dimensions: QUERIES, embed: texts => texts.map(vectorOf) })
const bridge = (kind = 'linear'): Adapter => ({
  ...sampleAdapter(kind, QUERIES, 3, INDEX),
  base: { id: 'acme/new', dimensions: QUERIES, normalized: true },
  index: { id: 'acme/old', dimensions: INDEX, metric: 'cosine' },
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bridge-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each(['linear', 'residual-mlp'])(
  'a %s bridge is a file of format 2 that names the index, read by the runtime too',
  async kind => {
    const path = join(folder, `${kind}.json`)
    saveAdapter(bridge(kind), path)
    const text = readFileSync(path, 'utf8')
    expect(JSON.parse(text)).toMatchObject({ format: 'adapter-train/2', index: bridge().index })
    const mapped = applyAdapter(loadAdapter(path), vectorOf('query'))
    expect(mapped).toHaveLength(INDEX)
    expect(adaptQuery(await loadInBrowser(text), vectorOf('query'))).toEqual(Array.from(mapped))
    const browser = await loadInBrowser(text)
    expect(() => adaptQuery(browser, [1, 2])).toThrow(expect.objectContaining({ code: 'VECTOR_INVALID' }))
  },
)

test.each(['low-rank', 'diagonal', 'linear-memory'])('a %s adapter cannot have an index, which is said by name', kind => {
  const adapter = {
    ...sampleAdapter(kind, QUERIES, 3),
    index: { id: 'acme/old', dimensions: QUERIES, metric: 'cosine' },
  }
  expect(() => encodeAdapter(adapter)).toThrow(new RegExp(`expected a linear or residual-mlp adapter, found ${kind}`))
})

test('a file whose shapes are not those of its index, or that maps to more dimensions without one, is refused', () => {
  const text = encodeAdapter(bridge())
  expect(() => decodeAdapter(text.replace('"dimensions": 6', '"dimensions": 5'))).toThrow(/6 x 4.*needs 5 x 4/)
  const { index: _, ...none } = bridge()
  expect(() => encodeAdapter(none)).not.toThrow()
  expect(() => decodeAdapter(encodeAdapter(none))).toThrow(/6 x 4.*needs 4 x 4/)
})

test('a wrapped model gives mapped queries, or both vectors in one call, and refuses documents and another index', async () => {
  const calls: string[][] = []
  const embed = (texts: string[]) => {
    calls.push(texts)
    return texts.map(vectorOf)
  }
  const wrapped = wrapEmbedder(customProvider({ id: 'acme/new', dimensions: QUERIES, embed }), bridge(), {
    index: 'acme/old',
  })
  expect(wrapped.dimensions).toBe(INDEX)
  const { native, mapped } = await wrapped.embedQueryBoth('query')
  expect(calls).toEqual([['query']])
  expect(native).toEqual(Array.from(Float32Array.from(vectorOf('query'))))
  expect(mapped).toEqual(await wrapped.embedQuery('query'))
  expect(mapped).toEqual(Array.from(applyAdapter(bridge(), vectorOf('query'))))
  await expect(wrapped.embedDocuments(['a document'])).rejects.toMatchObject({ code: 'ADAPTER_MISMATCH' })
  expect(() => wrapEmbedder(provider(), bridge(), { index: 'acme/new' })).toThrow(/expected documents of "acme\/old"/)
  const other = customProvider({
    id: 'acme/old',
    dimensions: INDEX,
    embed: texts => texts.map(() => [1, 2, 3, 4, 5, 6]),
  })
  expect(() => wrapEmbedder(other, bridge())).toThrow(expect.objectContaining({ code: 'ADAPTER_MISMATCH' }))
  const langChain = {
    embedQuery: async (text: string) => vectorOf(text),
    embedDocuments: async (_: string[]) => [[1, 2, 3, 4]],
  }
  const both = await wrapEmbedder(langChain, bridge()).embedQueryBoth('query')
  expect(both).toEqual({ native: vectorOf('query'), mapped })
  await expect(wrapEmbedder(langChain, bridge()).embedDocuments(['x'])).rejects.toThrow(/migrating/)
})

test('a server with a bridge answers clients of the new model with vectors for the old index, and refuses another base', async () => {
  const path = join(folder, 'served.json')
  saveAdapter(bridge(), path)
  const adapters = [{ name: 'default', path }]
  const server = createEmbeddingServer({ provider: provider(), adapters })
  const url = await server.listen({ port: 0 })
  try {
    const ask = async (body: object) => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url}/v1/embeddings`, { method: 'POST', headers, body: JSON.stringify(body) })
      return (await answer.json()) as { data?: { embedding: number[] }[]; error?: { code: string } }
    }
    const [model] = server.models
    const { data } = await ask({ model: `${model}:query`, input: 'query', dimensions: INDEX })
    expect(data?.[0].embedding).toEqual(Array.from(applyAdapter(bridge(), vectorOf('query'))))
    expect(await ask({ model: `${model}:query`, input: 'query', dimensions: QUERIES })).toMatchObject({
      error: { code: 'invalid_dimensions' },
    })
  } finally {
    await server.close(0)
  }
  const old = customProvider({ id: 'acme/old', dimensions: INDEX, embed: texts => texts.map(() => [1, 2, 3, 4, 5, 6]) })
  expect(() => createEmbeddingServer({ provider: old, adapters })).toThrow(expect.objectContaining({ code: 'ADAPTER_MISMATCH' }))
})

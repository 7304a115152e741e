import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { encodeAdapter } from '../../src/adapters/file.js'
import { createProvider } from '../../src/providers/index.js'
import { createEmbeddingServer, type EmbeddingServer } from '../../src/serve/index.js'
import { folderWith } from '../cli/cli.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { fakeVector } from '../helpers/fake-vector.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const D = 1536
const QUERY = 'how do I reset my card PIN?'
const DOCUMENT = 'Resetting the PIN of a card'
const adapter: Adapter = {
  ...sampleAdapter('diagonal', D),
  base: { id: 'openai/text-embedding-3-small', dimensions: D, normalized: true },
}

const sections = readFileSync(join(ROOT, 'docs/production.md'), 'utf8').split(/^## /m)
const snippets = sections.flatMap(section =>
  Array.from(section.matchAll(/^```ts\n(.*?)^```/gms), ([, code]): [string, string] => [section.split('\n')[0], code]),
)

let upstream: FakeService
let server: EmbeddingServer
let served: string
let cwd: string
beforeAll(async () => {
  upstream = await startFakeOpenAI({ dimensions: D })
  cwd = folderWith({ 'adapters/finance.json': encodeAdapter(adapter), 'package.json': { type: 'module' } })
  const provider = await createProvider('openai', { apiKey: 'none', baseUrl: upstream.url })
  server = createEmbeddingServer({
    provider,
    adapters: [{ name: 'default', path: join(cwd, 'adapters/finance.json') }],
  })
  served = await server.listen({ port: 0 })
  mkdirSync(join(cwd, 'node_modules'))
  symlinkSync(ROOT, join(cwd, 'node_modules/adapter-train'))
  for (const name of ['openai', 'ai', 'chromadb', '@ai-sdk', '@langchain', '@llamaindex']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(cwd, 'node_modules', name))
  }
})
afterAll(async () => {
  await server.close()
  await upstream.close()
})

function run(file: string): Promise<string> {
  return new Promise((done, fail) => {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, OPENAI_API_KEY: 'none', OPENAI_BASE_URL: upstream.url }
    execFile(process.execPath, [file], { cwd, env, timeout: 50_000 }, (error, stdout, stderr) =>
      error ? fail(new Error(`${error.message}\n${stderr}`)) : done(stdout),
    )
  })
}

test('every way of docs/production.md is there', () => {
  expect(snippets).toHaveLength(8)
})

test.concurrent.each(snippets)('the snippet of "%s" adapts its query, leaves its document, and is short', async (title, code) => {
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(10)
  const source = `${code.replace('http://127.0.0.1:8080', served)}
console.log(JSON.stringify([Array.from(queryVector!), documentVectors.map(d => Array.from(d))]))`
  const file = join(cwd, `${title.replace(/\W+/g, '-')}.mjs`)
  writeFileSync(file, transformSync(source, { loader: 'ts', format: 'esm', target: 'node20' }).code)
  const [query, documents] = JSON.parse(await run(file))
  expect(query).toEqual(Array.from(applyAdapter(adapter, fakeVector(QUERY, D))))
  expect(documents).toEqual([Array.from(fakeVector(DOCUMENT, D))])
})

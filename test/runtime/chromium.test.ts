import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { encodeAdapter } from '../../src/adapters/file.js'
import { safetensors } from '../../src/convert/formats/safetensors.js'
import { CHROMIUM, chromiumTest } from '../helpers/chromium.js'
import { SAMPLE_KINDS, sampleAdapter, sampleQueries } from '../helpers/sample-adapter.js'
import { BUNDLE_TEXT, importBundle } from './bundle.js'

const runtime = await importBundle()

type Runtime = typeof import('../../src/runtime/index.js')

const D = 37
const queries = sampleQueries(5, D)
const adapters = SAMPLE_KINDS.map(kind => sampleAdapter(kind, D))

let server: Server
let browser: Browser | undefined
let origin: string

/** Serves the bundle and the adapters; a page at /strict may neither compile WebAssembly nor run inline scripts. */
beforeAll(async () => {
  if (CHROMIUM === undefined) return
  server = createServer(({ url = '/' }, response) => {
    const [name, ending] = url.slice(1).split('.')
    const adapter = adapters.find(({ kind }) => kind === name)
    response.setHeader('content-type', ending === 'js' ? 'text/javascript' : 'text/html')
    if (url === '/runtime.js') response.end(BUNDLE_TEXT)
    else if (url === '/page.js') response.end("import * as runtime from './runtime.js'\nglobalThis.runtime = runtime\n")
    else if (adapter && ending === 'json') response.end(encodeAdapter(adapter))
    else if (adapter) response.end(safetensors.encode(adapter, 'F32'))
    else {
      if (url === '/strict') response.setHeader('content-security-policy', "default-src 'self'; script-src 'self'")
      response.end('<!doctype html><title>runtime</title><script type="module" src="/page.js"></script>')
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
})

afterAll(async () => {
  await browser?.close()
  server?.close()
})

/** What each adapter makes of each query in a page of the browser, and whether the page may compile WebAssembly. */
async function adaptInPage(path: string) {
  const page = await (browser as Browser).newPage()
  const problems: string[] = []
  page.on('pageerror', error => problems.push(String(error)))
  await page.goto(origin + path)
  const result = await page.evaluate(
    async ({ files, queries }) => {
      const { loadAdapter, applyAdapter, adaptQuery } = (globalThis as unknown as { runtime: Runtime }).runtime
      const vectors: Record<string, number[][]> = {}
      for (const file of files) {
        const adapter = await loadAdapter(await (await fetch(`/${file}`)).arrayBuffer())
        vectors[file] = applyAdapter(adapter, queries).map(v => [...v])
        if (adaptQuery(adapter, queries[0])[1] !== vectors[file][0][1]) throw new Error('adaptQuery differs')
      }
      let compiles = true
      try {
        const api = (globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => unknown } }).WebAssembly
        new api.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
      } catch {
        compiles = false
      }
      const refusal = await loadAdapter('{}').catch((error: { code: string }) => error.code)
      return { vectors, compiles, refusal }
    },
    {
      files: SAMPLE_KINDS.flatMap(kind => [`${kind}.json`, `${kind}.safetensors`]),
      queries: queries.map(q => [...q]),
    },
  )
  await page.close()
  expect(problems).toEqual([])
  return result
}

chromiumTest('in Chromium every kind gives the same bits as in Node, from JSON and from safetensors', async () => {
  const { vectors, compiles, refusal } = await adaptInPage('/')
  expect(compiles).toBe(true)
  expect(refusal).toBe('ADAPTER_FORMAT')
  for (const adapter of adapters) {
    const expected = runtime.applyAdapter(adapter, queries).map(v => [...v])
    expect(vectors[`${adapter.kind}.json`], adapter.kind).toEqual(expected)
    expect(vectors[`${adapter.kind}.safetensors`], adapter.kind).toEqual(expected)
  }
})

chromiumTest('where the page forbids WebAssembly, plain loops give the same to 2e-6', async () => {
  const { vectors, compiles } = await adaptInPage('/strict')
  expect(compiles, 'the content security policy has no effect').toBe(false)
  for (const adapter of adapters) {
    applyAdapter(adapter, queries).forEach((v, i) => {
      const found = vectors[`${adapter.kind}.json`][i]
      expect(found).toHaveLength(v.length)
      expect(Math.max(...found.map((x, j) => Math.abs(x - v[j])))).toBeLessThan(2e-6)
    })
  }
})

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { saveAdapter } from '../../src/adapters/file.js'
import { runCli } from '../../src/cli/run-cli.js'
import { matrix } from '../../src/math/matrix.js'
import { createProvider } from '../../src/providers/index.js'
import { createEmbeddingServer, type EmbeddingServer } from '../../src/serve/create-embedding-server.js'
import { nameOptions } from '../../src/words.js'
import { embeddingServer, refuse, soundAnswer } from './server.js'

let server: EmbeddingServer | undefined
afterEach(async () => {
  nameOptions({})
  vi.restoreAllMocks()
  await server?.close(0)
  server = undefined
})

async function serve(upstream: string): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'field-')), 'adapter.json')
  const W = matrix(3, 3, Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1))
  const training = { tool: 't', date: '2026-01-01', data: {}, options: {}, metrics: {} }
  const base = { id: 'openai/m', dimensions: 3, normalized: false }
  saveAdapter({ kind: 'linear', base, training, params: { W, b: matrix(1, 3) } } as never, path)
  const provider = await createProvider('openai', { model: 'm', baseUrl: upstream, apiKey: 'k', transport: 'http' })
  server = createEmbeddingServer({ provider, adapters: [{ name: 'a', path }], bodyLimit: 100_000 })
  return server.listen({ port: 0 })
}

const post = (url: string, input: unknown) =>
  fetch(`${url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', input }),
  })

test('a body far over the limit gets its 413 each time', async () => {
  const url = await serve((await embeddingServer(soundAnswer)).url)
  for (let i = 0; i < 5; i++) {
    const answer = await post(url, 'a'.repeat(20 * 2 ** 20))
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ error: { code: 'body_too_large' } })
  }
})

test('an upstream that takes fewer texts than it was believed to is asked in parts', async () => {
  const upstream = await embeddingServer((body, response) =>
    body.input.length > 2 ? refuse(response, 422, { error: 'batch size 5 > maximum allowed batch size 2' }) : soundAnswer(body),
  )
  const url = await serve(upstream.url)
  for (let i = 0; i < 2; i++) {
    const answer = await post(url, ['a', 'bb', 'ccc', 'dddd', 'eeeee'])
    expect(answer.status).toBe(200)
    expect(((await answer.json()) as { data: unknown[] }).data).toHaveLength(5)
  }
  expect(upstream.bodies.map(({ input }) => input.length).sort()).toEqual([1, 1, 2, 2, 2, 2, 5])
})

test('a wait of more than a day is not passed on', async () => {
  const wait = async (seconds: number): Promise<string | null> => {
    const upstream = await embeddingServer((_, response) => {
      response.writeHead(429, { 'retry-after': String(seconds) }).end('{}')
      return undefined
    })
    const answer = await post(await serve(upstream.url), 'a')
    await server?.close(0)
    return answer.headers.get('retry-after')
  }
  expect(await wait(30)).toBe('30')
  expect(await wait(100_000)).toBeNull()
})

test('the command line names its own options', async () => {
  const { url } = await embeddingServer(() => undefined)
  const file = join(mkdtempSync(join(tmpdir(), 'field-')), 'data.json')
  writeFileSync(file, JSON.stringify({ queries: { q: 'x' }, corpus: { d: 'y' }, relevant_docs: { q: ['d'] } }))
  let said = ''
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    said += text
    return true
  })
  const common = ['evaluate', '--data', file, '--base', 'openai', '--model', 'm', '--cache', 'none', '--retries', '0']
  expect(await runCli([...common, '--base-url', url, '--timeout', '0.2'])).toBe(1)
  expect(said).toContain('Raise --timeout or lower --batch-inputs')
  vi.stubEnv('OPENAI_API_KEY', '')
  vi.stubEnv('OPENAI_BASE_URL', '')
  expect(await runCli(common)).toBe(1)
  expect(said).toMatch(/Set OPENAI_API_KEY\s*$/)
  expect(said).not.toMatch(/maxInputs|timeoutMs|apiKey/)
  vi.unstubAllEnvs()
})

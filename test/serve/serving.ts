import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterEach } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { createProvider } from '../../src/providers/index.js'
import { createEmbeddingServer, type EmbeddingServer } from '../../src/serve/create-embedding-server.js'
import type { EmbeddingServerOptions } from '../../src/serve/options.js'
import { type FakeOpenAIOptions, startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { fakeVector } from '../helpers/fake-vector.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

export const MODEL = 'text-embedding-3-small'
export const UPSTREAM_KEY = 'sk-upstream-0123456789abcdef'
/** Length of the vectors. */
export const D = 8

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A folder that lives as long as the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'adapter-train-serve-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A linear adapter for the upstream's vectors; another `scale` makes another adapter. */
export function adapterFor(scale = 1, id = `openai/${MODEL}`): Adapter {
  const adapter = sampleAdapter('linear', D)
  for (const { data } of Object.values(adapter.params)) for (let i = 0; i < data.length; i++) data[i] *= scale
  return { ...adapter, base: { id, dimensions: D, normalized: true } }
}

/** What the upstream answers for a text, and what an adapter makes of it. */
export const baseVector = (text: string): number[] => Array.from(fakeVector(text, D))
export const adaptedVector = (adapter: Adapter, text: string): number[] => Array.from(applyAdapter(adapter, fakeVector(text, D)))

export interface Serving {
  readonly url: string
  readonly upstream: FakeService
  readonly server: EmbeddingServer
  readonly adapter: Adapter
  /** Of the default adapter. */
  readonly path: string
  /** Everything logged so far. */
  log(): string
  /** Sends a body as it is, or an object as JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
}

export interface ServingOptions extends Partial<EmbeddingServerOptions> {
  readonly upstream?: FakeOpenAIOptions
  readonly upstreamTimeoutMs?: number
}

/** A server in front of a stub of OpenAI; both end with the test. */
export async function startServing({ upstream = {}, upstreamTimeoutMs, ...options }: ServingOptions = {}): Promise<Serving> {
  const service = await startFakeOpenAI({ apiKey: UPSTREAM_KEY, dimensions: D, ...upstream })
  closers.push(() => service.close())
  const provider = await createProvider('openai', {
    baseUrl: service.url,
    apiKey: UPSTREAM_KEY,
    timeoutMs: upstreamTimeoutMs,
    concurrency: 64,
    transport: 'http',
  })
  const adapter = adapterFor()
  const path = join(temporaryFolder(), 'adapter.json')
  saveAdapter(adapter, path)
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const server = createEmbeddingServer({
    provider,
    adapters: [{ name: 'default', path }],
    watchIntervalMs: 0,
    logger: pino({ level: 'debug' }, sink),
    ...options,
  })
  const url = await server.listen({ port: 0 })
  closers.push(() => server.close(0))
  return {
    url,
    upstream: service,
    server,
    adapter,
    path,
    log: () => lines.join(''),
    post: (to, body, headers) =>
      fetch(url + to, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}

/** One value of `GET /metrics`, such as `adapter_train_requests_total{route="/v1/embeddings",...}`; 0 where it is not there. */
export async function metric({ url }: Pick<Serving, 'url'>, name: string, headers?: Record<string, string>): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { headers })).text()
  const line = text.split('\n').find(candidate => candidate.startsWith(`${name} `))
  return line === undefined ? 0 : Number(line.slice(name.length + 1))
}

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, type RequestOptions as HttpsRequestOptions, request as httpsRequest } from 'node:https'
import { type Duplex, Readable } from 'node:stream'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { usageError } from '../errors.js'
import { getOrInsert } from '../maps.js'

const OPEN = { keepAlive: true, scheduling: 'lifo' } as const
const direct = { http: new HttpAgent(OPEN), https: new HttpsAgent(OPEN) }
const tunnels = new Map<string, TunnelAgent>()
const MOST_REDIRECTS = 5
const CONNECT_TIMEOUT_MS = 60_000

/**
 * Finds the way to an address: direct, or through the proxy of `HTTPS_PROXY` or `HTTP_PROXY` (or their lower case) unless
 * `NO_PROXY` lists the host. An https address is reached by CONNECT, so that the proxy sees no content.
 * @param signal ends the request, also while it waits for the tunnel, which Node's own `signal` does not
 */
export function routeTo(url: URL, signal?: AbortSignal) {
  const isTls = url.protocol === 'https:'
  const request = isTls ? httpsRequest : httpRequest
  const target = { ...addressOf(url), path: url.pathname + url.search }
  const proxy = proxyFor(url)
  const headers: Readonly<Record<string, string>> = {}
  if (!proxy) return { request, options: { ...target, agent: isTls ? direct.https : direct.http, headers, signal } }
  if (isTls) {
    const agent = getOrInsert(tunnels, proxy.href, () => new TunnelAgent(proxy))
    return { request, options: { ...target, agent, headers, signal, connectSignal: signal } }
  }
  const viaTls = proxy.protocol === 'https:'
  const named = { host: url.host, ...authorization(proxy) }
  const agent = viaTls ? direct.https : direct.http
  const options = { ...addressOf(proxy), path: url.href, agent, headers: named, signal }
  return { request: viaTls ? httpsRequest : httpRequest, options }
}

/** `fetch` that goes through the proxy of the environment, which Node's own does not. */
export async function proxiedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const address = new URL(input instanceof Request ? input.url : input)
  if (!proxyFor(address)) return globalThis.fetch(input, init)
  const { method, headers, body, redirect } = new Request(input, init)
  // Not that of the new request, which no longer follows the caller's once the request is collected as garbage.
  const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined)
  const payload = body ? Buffer.from(await new Response(body).arrayBuffer()) : undefined
  headers.delete('accept-encoding')
  for (let url = address, hops = 0; ; hops++) {
    const route = routeTo(url, signal)
    const sent = Object.fromEntries(headers)
    if (payload) sent['content-length'] = String(payload.length)
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { ...route.options, method, headers: { ...sent, ...route.options.headers } }
      route.request(options, resolve).on('error', reject).end(payload)
    })
    const { statusCode: status = 0, headers: received } = incoming
    const isRedirect = status >= 301 && status <= 308 && received.location !== undefined
    if (isRedirect && redirect === 'error') {
      incoming.destroy()
      throw new TypeError('unexpected redirect')
    }
    if (isRedirect && redirect === 'follow' && method === 'GET' && hops < MOST_REDIRECTS) {
      incoming.resume()
      const next = new URL(received.location!, url)
      if (next.host !== url.host) headers.delete('authorization')
      url = next
      continue
    }
    return new Response([204, 205, 304].includes(status) ? null : (Readable.toWeb(incoming) as ReadableStream), {
      status,
      headers: Object.entries(received).map(([name, value]): [string, string] => [name, String(value)]),
    })
  }
}

/** Agent whose connections are TLS inside a tunnel that a proxy opens. */
class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL

  constructor(proxy: URL) {
    super(OPEN)
    this.#proxy = proxy
  }

  override createConnection(
    options: HttpsRequestOptions & { readonly connectSignal?: AbortSignal },
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const host = options.host ?? ''
    const { port } = options
    const done = callback as (error: Error | null, socket?: Duplex) => void
    const target = `${host.includes(':') ? `[${host}]` : host}:${port}`
    const ask = this.#proxy.protocol === 'https:' ? httpsRequest : httpRequest
    const asked = ask({
      ...addressOf(this.#proxy),
      agent: false,
      method: 'CONNECT',
      signal: options.connectSignal,
      timeout: CONNECT_TIMEOUT_MS,
      path: target,
      headers: { host: target, ...authorization(this.#proxy) },
    })
    asked
      .on('connect', ({ statusCode }, socket) => {
        socket.setTimeout(0)
        if (statusCode === 200) return done(null, connectTls({ ...(options as ConnectionOptions), socket }))
        socket.destroy()
        // A refusal for want of a password (407) stays one.
        const code = (statusCode ?? 0) >= 500 ? { code: 'EPROXY' } : {}
        done(Object.assign(new Error(`the proxy ${this.#proxy.host} answered HTTP ${statusCode} to CONNECT`), code))
      })
      .on('timeout', () => {
        const problem = `the proxy ${this.#proxy.host} did not answer CONNECT for ${CONNECT_TIMEOUT_MS / 1000} s`
        asked.destroy(Object.assign(new Error(problem), { code: 'ETIMEDOUT' }))
      })
      .on('error', done)
      .end()
  }
}

function addressOf({ hostname, port, protocol }: URL): { readonly host: string; readonly port: number } {
  return { host: bare(hostname), port: Number(port) || (protocol === 'https:' ? 443 : 80) }
}

function authorization({ username, password }: URL): Record<string, string> {
  if (!username) return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

function proxyFor(url: URL): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const value = variable(name) || variable('ALL_PROXY')
  if (!value || isExempt(url)) return undefined
  const text = /^[a-z0-9+.-]+:\/\//i.test(value) ? value : `http://${value}`
  if (/^https?:/i.test(text) && URL.canParse(text)) return new URL(text)
  // Not shown: it can hold a password.
  throw usageError(`${name}: expected the address of an http or https proxy, found another one`)
}

const variable = (name: string): string => (process.env[name.toLowerCase()] ?? process.env[name] ?? '').trim()

/** True if `NO_PROXY` lists the host: `*`, a name with all names under it (with or without a dot before), with or without a port. */
function isExempt(url: URL): boolean {
  const { host, port } = addressOf(url)
  return variable('NO_PROXY')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some(entry => {
      const [, name, only] = /^(\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? []
      if (name === undefined || (only !== undefined && Number(only) !== port)) return false
      const suffix = bare(name).replace(/^\*?\./, '')
      return suffix === '*' || host === suffix || host.endsWith(`.${suffix}`)
    })
}

const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1')

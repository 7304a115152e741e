import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isAdapterTrainError, messageOf } from '../errors.js'
import { hostOf, isLoopback, listening, requireToken, secretTest } from '../serve/address.js'
import { readBody } from '../serve/body.js'
import { ApiError, codeOf } from '../serve/errors.js'

/** A request of the page: fields of its JSON body to a value that is answered as JSON. */
export type PageRoute = (body: Readonly<Record<string, unknown>>, signal: AbortSignal) => unknown

export interface LocalServerOptions {
  readonly host: string
  readonly port: number
  /** Sent by the page with every request for data. Default: a new one; required for hosts that other machines reach. */
  readonly token?: string
  /** `name` answers `POST /api/name`. */
  readonly routes: Readonly<Record<string, PageRoute>>
}

/** Bytes of a request: a query, or the name of a document. */
const BODY_LIMIT = 4 * 2 ** 20
const REQUEST_MS = 60_000

/** Files of the page. The build puts them beside this module; tests run the sources. */
const ASSETS = ['./assets/', '../../dist/pages/assets/'].map(path => new URL(path, import.meta.url))
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['page.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
}

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

export function readAsset(name: string): string {
  const folder = ASSETS.find(url => existsSync(url)) ?? ASSETS[0]
  return readFileSync(new URL(name, folder), 'utf8')
}

export type LocalServer = { readonly url: string; close(): Promise<void> }

/**
 * Serves the page and its data.
 *
 * Data are answered only to `authorization: Bearer <token>`, only under a name of this machine if the address is one of it (DNS
 * rebinding), and to no page of another origin.
 */
export async function serveLocally(options: LocalServerOptions): Promise<LocalServer> {
  const { host, port, routes, token = randomBytes(24).toString('base64url') } = options
  requireToken(host, options.token)
  const assets = new Map(Object.entries(FILES).map(([path, [file, type]]) => [path, { text: readAsset(file), type }]))
  const stop = new AbortController()
  const isToken = secretTest(`Bearer ${token}`)

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { host: name, origin, authorization = '' } = request.headers
    if (isLoopback(host) && !isLoopback(hostOf(name)))
      throw new ApiError(403, 'host_refused', 'this page answers only at localhost')
    const site = request.headers['sec-fetch-site']
    if (origin !== undefined && origin !== `http://${name}`) throw foreign()
    const path = (request.url ?? '/').replace(/\?.*/s, '')
    const asset = assets.get(path)
    if (asset && request.method === 'GET') {
      send(response, 200, asset.text, asset.type)
      return
    }
    if (site !== undefined && site !== 'same-origin') throw foreign()
    const route = path.startsWith('/api/') && Object.hasOwn(routes, path.slice(5)) ? routes[path.slice(5)] : undefined
    if (!route) throw new ApiError(404, 'not_found', `expected POST /api/${Object.keys(routes).join(', /api/')}`)
    if (!isToken(authorization))
      throw new ApiError(401, 'invalid_token', 'expected the token of the address that the program printed')
    if (request.method !== 'POST') throw new ApiError(405, 'method_not_allowed', 'expected POST')
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(REQUEST_MS)])
    const value = await route(await readBody(request, BODY_LIMIT, signal), signal)
    send(response, 200, JSON.stringify(value ?? {}), 'application/json')
  }

  // A connection outlives a long step of the work in the background.
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    answer(request, response).catch(error => {
      const { status, code } = error instanceof ApiError ? error : { status: 500, code: codeOf(error) }
      const message = error instanceof ApiError || isAdapterTrainError(error) ? messageOf(error) : 'the program failed'
      if (response.headersSent) response.destroy()
      else send(response, status, JSON.stringify({ code, message }), 'application/json')
    })
  })
  const address = await listening(server, host, port)
  return {
    url: `${address}/#token=${encodeURIComponent(token)}`,
    async close() {
      stop.abort()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function foreign(): ApiError {
  return new ApiError(403, 'origin_refused', 'this page answers only its own requests')
}

function send(response: ServerResponse, status: number, text: string, type: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type, 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

import { randomUUID } from 'node:crypto'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import type { Logger } from 'pino'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { hostOf, isLoopback, secretTest } from './address.js'
import { ApiError, toApiError } from './errors.js'
import type { Metrics } from './metrics.js'
import type { RequestScope, ServeEnv, ServeHandler, ServeMiddleware } from './request-scope.js'
import { openScope, send, sendError } from './request-scope.js'
import { cohereEmbedRoute, type EmbedRouteOptions, embeddingsRoute } from './routes/embeddings.js'

interface AppOptions extends EmbedRouteOptions {
  readonly token: string | undefined
  readonly rateLimit: number | undefined
  readonly corsOrigins: readonly string[]
  readonly metrics: Metrics
  readonly logger: Logger
  readonly requestTimeoutMs: number
  readonly active: Set<RequestScope>
  readonly isClosing: () => boolean
}

/** Makes the routes and the middleware before them, in order. */
export function createApp(options: AppOptions): Hono<ServeEnv> {
  const { models, metrics, logger, corsOrigins, rateLimit, isClosing } = options
  const created = Math.floor(Date.now() / 1000)
  const app = new Hono<ServeEnv>()
  app.onError((error, c) => {
    const scope = c.get('scope')
    const answer = toApiError(error, scope.signal)
    // Places in the code only: a message can quote a text.
    if (answer.status === 500) logger.debug({ request: scope.id, at: error.stack?.match(/\n\s+at .*/g)?.slice(0, 8) })
    return sendError(c, answer)
  })
  app.use(observe(options))
  /** Adds a route. `name`: in log and metrics, a path without a client's words. */
  const route = (method: 'get' | 'post', path: string, handle: ServeHandler, name = path): void => {
    app[method](path, (c, next) => {
      c.get('scope').facts.route = name
      return handle(c, next)
    })
  }
  route('get', '/healthz', c => (isClosing() ? send(c, 503, '{"status":"closing"}') : send(c, 200, '{"status":"ok"}')))
  if (corsOrigins.length > 0) app.use(cors(corsOrigins))
  app.use(authenticate(options.token))
  if (rateLimit !== undefined) app.use(limitRate(rateLimit))

  route('post', '/v1/embeddings', embeddingsRoute(options))
  route('post', '/v2/embed', cohereEmbedRoute(options))
  // https://platform.openai.com/docs/api-reference/models
  const describe = (id: string) => ({ id, object: 'model', created, owned_by: 'adapter-train' })
  route('get', '/v1/models', c => send(c, 200, JSON.stringify({ object: 'list', data: models.all.map(describe) })))
  const oneModel: ServeHandler = c => send(c, 200, JSON.stringify(describe(models.resolve(c.req.param('model')).model)))
  route('get', '/v1/models/:model{.+}', oneModel, '/v1/models/:model')
  route('get', '/metrics', async c => {
    const { registry } = metrics
    return send(c, 200, await registry.metrics(), { 'content-type': registry.contentType })
  })
  app.all('*', () => {
    const expected = 'expected POST /v1/embeddings, GET /v1/models, POST /v2/embed, GET /healthz or GET /metrics'
    throw new ApiError(404, 'not_found', expected)
  })
  return app
}

/** Lets requests with the token pass; without one, those to a name of this machine, against DNS rebinding. */
function authenticate(token: string | undefined): ServeMiddleware {
  const isToken = token === undefined ? undefined : secretTest(token)
  return async (c, next) => {
    const { host, authorization = '' } = c.env.incoming.headers
    if (!isToken) {
      if (isLoopback(hostOf(host))) return next()
      throw new ApiError(403, 'host_refused', 'this server has no token and answers only at localhost')
    }
    const given = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
    if (given === undefined)
      throw new ApiError(401, 'missing_token', 'expected the header authorization: Bearer <token of this server>')
    if (!isToken(given)) throw new ApiError(401, 'invalid_token', 'wrong token for this server')
    return next()
  }
}

const EXPOSED = 'x-embedding-role, x-adapter, x-adapter-version, x-request-id, retry-after'

/**
 * Lets pages of other origins read the answers, on Node's own response (see `send`).
 * @param origins such as `https://app.example`; `*` for all
 */
function cors(origins: readonly string[]): ServeMiddleware {
  return async (c, next) => {
    const { incoming, outgoing } = c.env
    const { origin } = incoming.headers
    outgoing.setHeader('vary', 'Origin')
    if (origin !== undefined && (origins.includes(origin) || origins.includes('*'))) {
      outgoing.setHeader('access-control-allow-origin', origin)
      outgoing.setHeader('access-control-expose-headers', EXPOSED)
      if (c.req.method === 'OPTIONS') {
        const asked = incoming.headers['access-control-request-headers']
        outgoing.setHeader('access-control-allow-methods', 'GET, POST')
        if (asked !== undefined) outgoing.setHeader('access-control-allow-headers', asked)
        outgoing.setHeader('access-control-max-age', '600')
        outgoing.writeHead(204).end()
        return RESPONSE_ALREADY_SENT
      }
    }
    return next()
  }
}

/** Limits the requests per client address. `perMinute`: most requests of one address within a minute. */
function limitRate(perMinute: number): ServeMiddleware {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return async (c, next) => {
    await limiter.consume(c.env.incoming.socket.remoteAddress ?? '').catch((state: RateLimiterRes) => {
      throw new ApiError(429, 'rate_limit', `more than ${perMinute} requests within a minute`, {
        retryAfter: Math.max(1, Math.ceil(state.msBeforeNext / 1000)),
      })
    })
    await next()
  }
}

/** Opens the scope of every request, ends it when its time is over, then counts and logs it. */
function observe({ metrics, logger, requestTimeoutMs, active, isClosing }: AppOptions): ServeMiddleware {
  return async (c, next) => {
    const started = performance.now()
    const { outgoing } = c.env
    const scope = openScope(randomUUID(), outgoing)
    c.set('scope', scope)
    active.add(scope)
    metrics.inFlight.inc()
    outgoing.setHeader('x-request-id', scope.id)
    if (isClosing()) scope.closeConnection()
    const timer = setTimeout(scope.stop, requestTimeoutMs, 'timeout')

    // After the last byte, or when the client has gone before it.
    outgoing.once('close', () => {
      clearTimeout(timer)
      active.delete(scope)
      metrics.inFlight.dec()
      const gone = !outgoing.writableFinished
      if (gone) scope.stop('gone')
      const { route, role = '' } = scope.facts
      const status = gone ? 499 : outgoing.statusCode
      const ms = performance.now() - started
      metrics.requests.inc({ route, role, status })
      metrics.duration.observe({ route, role }, ms / 1000)
      const level = status >= 500 ? 'warn' : route === '/healthz' || route === '/metrics' ? 'debug' : 'info'
      logger[level]({ request: scope.id, method: c.req.method, status, ms: Math.round(ms * 100) / 100, ...scope.facts })
    })
    await next()
  }
}

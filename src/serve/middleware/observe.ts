import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Metrics } from '../metrics.js'
import { openScope, type RequestScope } from '../request-scope.js'
import type { ServeMiddleware } from '../serve-env.js'

export interface ObserveOptions {
  readonly metrics: Metrics
  readonly logger: Logger
  readonly requestTimeoutMs: number
  /** Requests in work. */
  readonly active: Set<RequestScope>
  readonly isClosing: () => boolean
}

/** Opens the scope of every request, ends it when its time is over, and counts and logs it at the end. */
export function observe({ metrics, logger, requestTimeoutMs, active, isClosing }: ObserveOptions): ServeMiddleware {
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

    // After the last byte, and as well when the client has gone before it.
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

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { ServeMiddleware } from '../serve-env.js'

const EXPOSED = 'x-embedding-role, x-adapter, x-adapter-version, x-request-id, retry-after'

/**
 * Lets pages of other origins read the answers, on Node's own response (see `send`).
 * @param origins such as `https://app.example`; `*` for all
 */
export function cors(origins: readonly string[]): ServeMiddleware {
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
    await next()
    return undefined
  }
}

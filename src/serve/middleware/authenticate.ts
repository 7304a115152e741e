import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { ApiError } from '../api-error.js'
import { isLoopback } from '../loopback.js'
import type { ServeMiddleware } from '../serve-env.js'

/**
 * Lets requests pass that carry the token.
 *
 * Without a token, those pass that were sent to a name of this machine: a page whose own name was made to lead here (DNS
 * rebinding) does not.
 */
export function authenticate(token: string | undefined): ServeMiddleware {
  if (token === undefined) {
    return async (c, next) => {
      if (!isLoopback(hostOf(c.env.incoming.headers.host ?? ''))) {
        throw new ApiError(403, 'host_refused', 'this server has no token, so it answers only at localhost')
      }
      await next()
    }
  }
  // Digests under a random key are of equal length, and tell nothing by how long their comparison takes.
  const key = randomBytes(32)
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const expected = digest(token)
  return async (c, next) => {
    const given = /^Bearer +(\S+) *$/i.exec(c.env.incoming.headers.authorization ?? '')?.[1]
    if (given === undefined) {
      throw new ApiError(401, 'missing_token', 'expected the header authorization: Bearer <token of this server>')
    }
    if (!timingSafeEqual(digest(given), expected)) {
      throw new ApiError(401, 'invalid_token', 'the token is not the one of this server')
    }
    await next()
  }
}

/** `[::1]:8080` -> `::1` */
function hostOf(header: string): string {
  return header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

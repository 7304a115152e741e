import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { ApiError } from '../api-error.js'
import type { ServeMiddleware } from '../serve-env.js'

/** @param perMinute requests that one client address may send within a minute */
export function limitRate(perMinute: number): ServeMiddleware {
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

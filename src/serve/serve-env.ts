import type { HttpBindings } from '@hono/node-server'
import type { Context, Handler, MiddlewareHandler } from 'hono'
import type { RequestScope } from './request-scope.js'

/** What Hono knows of a request: Node's own objects, and the request's scope. */
export interface ServeEnv {
  Bindings: HttpBindings
  Variables: { scope: RequestScope }
}

export type ServeContext = Context<ServeEnv>
export type ServeHandler = Handler<ServeEnv>
export type ServeMiddleware = MiddlewareHandler<ServeEnv>

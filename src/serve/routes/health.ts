import { send } from '../send.js'
import type { ServeHandler } from '../serve-env.js'

/** `GET /healthz`: 200 while requests are taken, 503 from the moment on when the server is told to end. */
export function healthRoute(isClosing: () => boolean): ServeHandler {
  return c => {
    c.get('scope').facts.route = '/healthz'
    return isClosing() ? send(c, 503, '{"status":"closing"}') : send(c, 200, '{"status":"ok"}')
  }
}

import type { Metrics } from '../metrics.js'
import { send } from '../send.js'
import type { ServeHandler } from '../serve-env.js'

/** `GET /metrics`, in Prometheus's text format. */
export function metricsRoute({ registry }: Metrics): ServeHandler {
  return async c => {
    c.get('scope').facts.route = '/metrics'
    return send(c, 200, await registry.metrics(), { 'content-type': registry.contentType })
  }
}

import { Hono } from 'hono'
import type { Logger } from 'pino'
import { authenticate } from './middleware/authenticate.js'
import { cors } from './middleware/cors.js'
import { limitRate } from './middleware/limit-rate.js'
import { type ObserveOptions, observe } from './middleware/observe.js'
import { cohereEmbedRoute } from './routes/cohere-embed.js'
import { type EmbedRouteOptions, embeddingsRoute } from './routes/embeddings.js'
import { healthRoute } from './routes/health.js'
import { metricsRoute } from './routes/metrics.js'
import { modelRoute, modelsRoute } from './routes/models.js'
import { notFoundRoute } from './routes/not-found.js'
import { sendError } from './send.js'
import type { ServeEnv } from './serve-env.js'
import { toApiError } from './to-api-error.js'

export interface AppOptions extends EmbedRouteOptions, ObserveOptions {
  readonly token: string | undefined
  readonly rateLimit: number | undefined
  readonly corsOrigins: readonly string[]
  readonly logger: Logger
}

/** Routes and what stands before them, in order. */
export function createApp(options: AppOptions): Hono<ServeEnv> {
  const { models, metrics, logger, corsOrigins, rateLimit } = options
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
  app.get('/healthz', healthRoute(options.isClosing))
  if (corsOrigins.length > 0) app.use(cors(corsOrigins))
  app.use(authenticate(options.token))
  if (rateLimit !== undefined) app.use(limitRate(rateLimit))
  app.post('/v1/embeddings', embeddingsRoute(options))
  app.get('/v1/models', modelsRoute(models, created))
  app.get('/v1/models/:model{.+}', modelRoute(models, created))
  app.post('/v2/embed', cohereEmbedRoute(options))
  app.get('/metrics', metricsRoute(metrics))
  app.all('*', notFoundRoute)
  return app
}

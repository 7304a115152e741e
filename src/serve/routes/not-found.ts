import { ApiError } from '../api-error.js'
import type { ServeHandler } from '../serve-env.js'

/** What is asked for by a path that leads nowhere. */
export const notFoundRoute: ServeHandler = () => {
  throw new ApiError(
    404,
    'not_found',
    'there are POST /v1/embeddings, GET /v1/models, POST /v2/embed, GET /healthz and GET /metrics',
  )
}

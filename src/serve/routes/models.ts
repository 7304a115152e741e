import type { ModelNames } from '../model-names.js'
import { send } from '../send.js'
import type { ServeHandler } from '../serve-env.js'

/**
 * `GET /v1/models`
 * @param created seconds since 1970: when the server started
 * @see https://platform.openai.com/docs/api-reference/models/list
 */
export function modelsRoute(models: ModelNames, created: number): ServeHandler {
  return c => {
    c.get('scope').facts.route = '/v1/models'
    const data = models.all.map(id => describe(id, created))
    return send(c, 200, JSON.stringify({ object: 'list', data }))
  }
}

/** `GET /v1/models/<model>` */
export function modelRoute(models: ModelNames, created: number): ServeHandler {
  return c => {
    c.get('scope').facts.route = '/v1/models/:model'
    const { model } = models.resolve(c.req.param('model'))
    return send(c, 200, JSON.stringify(describe(model, created)))
  }
}

function describe(id: string, created: number) {
  return { id, object: 'model', created, owned_by: 'adapter-train' }
}

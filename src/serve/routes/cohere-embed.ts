import { ApiError } from '../api-error.js'
import { checkInputs } from '../check-inputs.js'
import { type Encoding, encodeVector } from '../encode-vectors.js'
import { inTurns } from '../in-turns.js'
import type { ModelNames, Target } from '../model-names.js'
import { readBody } from '../read-body.js'
import { send } from '../send.js'
import type { ServeHandler } from '../serve-env.js'
import { adapterHeaders } from './adapter-headers.js'
import { checkDimensions, type EmbedRouteOptions } from './embeddings.js'

/**
 * Cohere's `POST /v2/embed`: adapted for the input type `search_query`, not for `search_document`. A text that is too long is
 * refused, whatever `truncate` says.
 *
 * @see https://docs.cohere.com/v2/reference/embed
 */
export function cohereEmbedRoute({ models, embed, maxInputs, bodyLimit }: EmbedRouteOptions): ServeHandler {
  return async c => {
    const scope = c.get('scope')
    scope.facts.route = '/v2/embed'
    const body = await readBody(c.env.incoming, bodyLimit, scope.signal)
    const target = withInputType(models, models.resolve(body.model), body.input_type)
    for (const field of ['images', 'inputs']) {
      if (body[field] !== undefined && body[field] !== null)
        throw refused(field, `only texts are served, not "${field}"`)
    }
    const texts = checkInputs(body.texts, 'texts', maxInputs)
    const types = checkTypes(body.embedding_types)
    const dimensions = checkDimensions(body.output_dimension, 'output_dimension')
    const { vectors, tokens } = await embed(target, texts, dimensions, scope)
    const embeddings: string[] = []
    for (const type of types) {
      const list = await inTurns(vectors, vector => encodeVector(vector, type))
      embeddings.push(`"${type}":[${list.join(',')}]`)
    }
    const rest = JSON.stringify({
      texts,
      meta: { api_version: { version: '2' }, billed_units: { input_tokens: tokens } },
      response_type: 'embeddings_by_type',
    })
    const answer = `{"id":"${scope.id}","embeddings":{${embeddings.join(',')}},${rest.slice(1)}`
    return send(c, 200, answer, adapterHeaders(target))
  }
}

function withInputType(models: ModelNames, target: Target, type: unknown): Target {
  if (type === 'search_query') return models.adapted(target)
  if (type !== 'search_document') {
    throw refused(
      'input_type',
      'expected "input_type" to be "search_query" (adapted) or "search_document" (not adapted)',
    )
  }
  if (target.adapter) throw refused('input_type', 'the model is that of queries, but "input_type" is "search_document"')
  return target
}

function checkTypes(value: unknown): readonly Encoding[] {
  if (value === undefined || value === null) return ['float']
  const isKnown = (type: unknown): type is Encoding => type === 'float' || type === 'base64'
  if (Array.isArray(value) && value.length > 0 && value.every(isKnown)) return [...new Set(value)]
  throw refused('embedding_types', 'expected "embedding_types" to be a list of "float" and "base64"')
}

function refused(param: string, message: string): ApiError {
  return new ApiError(400, `invalid_${param}`, message, { param })
}

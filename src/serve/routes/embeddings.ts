import { ApiError } from '../api-error.js'
import { checkInputs } from '../check-inputs.js'
import type { TargetEmbedder } from '../embed-target.js'
import { type Encoding, encodeVector } from '../encode-vectors.js'
import { inTurns } from '../in-turns.js'
import type { ModelNames, Target } from '../model-names.js'
import { readBody } from '../read-body.js'
import { send } from '../send.js'
import type { ServeHandler } from '../serve-env.js'
import { adapterHeaders } from './adapter-headers.js'

export interface EmbedRouteOptions {
  readonly models: ModelNames
  readonly embed: TargetEmbedder
  readonly maxInputs: number
  /** Bytes of a body. */
  readonly bodyLimit: number
}

/**
 * `POST /v1/embeddings`: documents under the model's plain name; adapted queries under `<model>:query`, or with the header
 * `x-embedding-role: query`.
 *
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export function embeddingsRoute({ models, embed, maxInputs, bodyLimit }: EmbedRouteOptions): ServeHandler {
  return async c => {
    const scope = c.get('scope')
    scope.facts.route = '/v1/embeddings'
    const { incoming } = c.env
    const body = await readBody(incoming, bodyLimit, scope.signal)
    const target = withRole(models, models.resolve(body.model), incoming.headers['x-embedding-role'])
    const texts = checkInputs(body.input, 'input', maxInputs)
    const encoding = checkEncoding(body.encoding_format)
    const { vectors, tokens } = await embed(target, texts, checkDimensions(body.dimensions, 'dimensions'), scope)
    const data = await inTurns(
      vectors,
      (vector, index) => `{"object":"embedding","index":${index},"embedding":${encodeVector(vector, encoding)}}`,
    )
    const usage = `{"prompt_tokens":${tokens},"total_tokens":${tokens}}`
    const answer = `{"object":"list","data":[${data.join(',')}],"model":${JSON.stringify(target.model)},"usage":${usage}}`
    return send(c, 200, answer, adapterHeaders(target))
  }
}

function withRole(models: ModelNames, target: Target, header: string | string[] | undefined): Target {
  if (header === undefined) return target
  if (header === 'query') return models.adapted(target)
  const refused = (message: string): ApiError =>
    new ApiError(400, 'invalid_role', message, { param: 'x-embedding-role' })
  if (header !== 'document') throw refused('expected the header x-embedding-role to be "query" or "document"')
  if (target.adapter) throw refused('the model is that of queries, but the header x-embedding-role says "document"')
  return target
}

function checkEncoding(value: unknown): Encoding {
  if (value === undefined || value === null) return 'float'
  if (value === 'float' || value === 'base64') return value
  throw new ApiError(400, 'invalid_encoding_format', 'expected "encoding_format" to be "float" or "base64"', {
    param: 'encoding_format',
  })
}

/**
 * A length of vectors, where one is asked for.
 * @throws ApiError 400
 */
export function checkDimensions(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw new ApiError(400, 'invalid_dimensions', `expected "${field}" to be a positive whole number`, { param: field })
}

import { littleEndianBytes } from '../../vectors/floats.js'
import { checkInputs, decodeTokens, readBody } from '../body.js'
import type { TargetEmbedder } from '../embed-target.js'
import { type ApiError, badRequest } from '../errors.js'
import { adapterHeaders, type ModelNames, type Target } from '../model-names.js'
import { type ServeHandler, send } from '../request-scope.js'
import { inTurns } from '../turns.js'

export interface EmbedRouteOptions {
  readonly models: ModelNames
  readonly embed: TargetEmbedder
  readonly maxInputs: number
  readonly bodyLimit: number
}

/**
 * Answers `POST /v1/embeddings`: documents under the model's plain name; adapted queries under `<model>:query`, or with the header
 * `x-embedding-role: query`.
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export function embeddingsRoute({ models, embed, maxInputs, bodyLimit }: EmbedRouteOptions): ServeHandler {
  return async c => {
    const scope = c.get('scope')
    const { incoming } = c.env
    const body = await readBody(incoming, bodyLimit, scope.signal)
    const target = withRole(models, models.resolve(body.model), incoming.headers['x-embedding-role'])
    const texts = checkInputs(await decodeTokens(body.input), 'input', maxInputs)
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
  const refused = (message: string): ApiError => badRequest('x-embedding-role', message, 'invalid_role')
  if (header !== 'document') throw refused('expected the header x-embedding-role to be "query" or "document"')
  if (target.adapter) throw refused('the model is for queries, but the header x-embedding-role is "document"')
  return target
}

function checkEncoding(value: unknown): Encoding {
  if (value === undefined || value === null) return 'float'
  if (value === 'float' || value === 'base64') return value
  throw badRequest('encoding_format', 'expected "encoding_format" to be "float" or "base64"')
}

/** Reads the requested length of vectors, if there is one. */
function checkDimensions(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw badRequest(field, `expected "${field}" to be a positive whole number`, 'invalid_dimensions')
}

/** Format of the vectors in an answer. */
type Encoding = 'float' | 'base64'

/**
 * Writes a vector as JSON: a list of numbers that read back as the same float32 values, or a string of little-endian float32
 * values in base64, which is a thirtieth of the work.
 */
function encodeVector(vector: Float32Array, encoding: Encoding): string {
  return encoding === 'base64' ? `"${littleEndianBytes(vector).toString('base64')}"` : `[${vector.join(',')}]`
}

/**
 * Answers Cohere's `POST /v2/embed`: adapted for the input type `search_query`, not for `search_document`. A text that is too long
 * is refused, whatever `truncate` is.
 * @see https://docs.cohere.com/v2/reference/embed
 */
export function cohereEmbedRoute({ models, embed, maxInputs, bodyLimit }: EmbedRouteOptions): ServeHandler {
  return async c => {
    const scope = c.get('scope')
    const body = await readBody(c.env.incoming, bodyLimit, scope.signal)
    const target = withInputType(models, models.resolve(body.model), body.input_type)
    for (const field of ['images', 'inputs']) {
      if (body[field] !== undefined && body[field] !== null) throw badRequest(field, `only texts are served, not "${field}"`)
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
  const expected = 'expected "input_type" to be "search_query" (adapted) or "search_document" (not adapted)'
  if (type !== 'search_document') throw badRequest('input_type', expected)
  if (target.adapter) throw badRequest('input_type', 'the model is for queries, but "input_type" is "search_document"')
  return target
}

function checkTypes(value: unknown): readonly Encoding[] {
  if (value === undefined || value === null) return ['float']
  const isKnown = (type: unknown): type is Encoding => type === 'float' || type === 'base64'
  if (Array.isArray(value) && value.length > 0 && value.every(isKnown)) return [...new Set(value)]
  throw badRequest('embedding_types', 'expected "embedding_types" to be a list of "float" and "base64"')
}

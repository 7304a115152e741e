import { on } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { tryJson } from '../json.js'
import { ApiError, badRequest } from './errors.js'

/**
 * Reads a JSON object.
 *
 * Only `application/json` is accepted: a page of another origin cannot send that without a CORS preflight, so it cannot make a
 * browser on the same machine spend the upstream's money.
 */
export async function readBody(incoming: IncomingMessage, limit: number, signal: AbortSignal) {
  const type = incoming.headers['content-type']
  if (type === undefined || !/^application\/json\s*(;|$)/i.test(type))
    throw new ApiError(415, 'unsupported_media_type', 'expected the header content-type: application/json')
  const bytes = await readBytes(incoming, limit, signal)
  const body = tryJson(bytes.toString('utf8'))
  // The parser's own message would quote the body.
  if (body === undefined) throw new ApiError(400, 'invalid_json', 'the body is not valid JSON')
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ApiError(400, 'invalid_json', 'expected the body to be a JSON object')
  return body as Readonly<Record<string, unknown>>
}

async function readBytes(incoming: IncomingMessage, limit: number, signal: AbortSignal): Promise<Buffer> {
  const tooLarge = () => new ApiError(413, 'body_too_large', `the body is larger than ${limit} bytes; send fewer inputs at once`)
  if (Number(incoming.headers['content-length']) > limit) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const [chunk] of on(incoming, 'data', { signal, close: ['end'] })) {
      size += chunk.length
      if (size > limit) break
      chunks.push(chunk)
    }
  } catch {
    throw new ApiError(408, 'request_timeout', 'the body of the request did not arrive')
  }
  if (size > limit) throw tooLarge()
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
}

/**
 * Decodes lists of tokens, which clients send in place of texts, by OpenAI's cl100k_base whatever the model; what is none stays as it is.
 */
export async function decodeTokens(input: unknown): Promise<unknown> {
  const isTokens = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.every(token => Number.isSafeInteger(token) && token >= 0)
  if (!Array.isArray(input) || !(isTokens(input) || input.some(isTokens))) return input
  const { decode } = await import('gpt-tokenizer/encoding/cl100k_base')
  try {
    return isTokens(input) ? decode(input) : input.map(value => (isTokens(value) ? decode(value) : value))
  } catch {
    return input
  }
}

/** Checks the texts of a request, one or several. `field`: name of the field, for messages. `maxInputs`: most texts per request. */
export function checkInputs(value: unknown, field: string, maxInputs: number): readonly string[] {
  const wrong = (message: string, code = 'invalid_input'): ApiError => badRequest(field, message, code)
  if (value === undefined || value === null) throw wrong(`"${field}" is missing`)
  const texts: unknown = typeof value === 'string' ? [value] : value
  if (!Array.isArray(texts)) throw wrong(`expected "${field}" to be a text or a list of texts`)
  if (texts.length === 0) throw wrong(`"${field}" is empty`)
  if (texts.length > maxInputs)
    throw wrong(`"${field}" has ${texts.length} texts; at most ${maxInputs} fit into one request`, 'too_many_inputs')
  for (const [i, text] of texts.entries()) {
    const name = typeof value === 'string' ? `"${field}"` : `${field}[${i}]`
    if (typeof text === 'number' || Array.isArray(text)) {
      const remedy = 'send texts (LangChain for Python: check_embedding_ctx_length=False)'
      throw wrong(`expected ${name} to be a text, found tokens that are not of cl100k_base; ${remedy}`, 'tokens_refused')
    }
    if (typeof text !== 'string') throw wrong(`expected ${name} to be a text`)
    if (text.trim() === '') throw wrong(`${name} is empty`, 'empty_input')
    if (/\p{Surrogate}/u.test(text)) throw wrong(`${name} is not well-formed Unicode`)
  }
  return texts
}

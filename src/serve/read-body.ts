import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error.js'

/**
 * Reads a JSON object.
 *
 * Only `application/json` is taken: a page of another origin cannot send that without asking first (CORS), so a browser on the
 * same machine cannot be made to spend the upstream's money.
 *
 * @param limit bytes
 * @throws ApiError 415, 413, 408, 400
 */
export async function readBody(
  incoming: IncomingMessage,
  limit: number,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const type = incoming.headers['content-type']
  if (type === undefined || !/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError(415, 'unsupported_media_type', 'expected the header content-type: application/json')
  }
  const bytes = await readBytes(incoming, limit, signal)
  let body: unknown
  try {
    body = JSON.parse(bytes.toString('utf8'))
  } catch {
    // The parser's own message quotes the body.
    throw new ApiError(400, 'invalid_json', 'the body is not valid JSON')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ApiError(400, 'invalid_json', 'expected the body to be a JSON object')
  }
  return body as Record<string, unknown>
}

function readBytes(incoming: IncomingMessage, limit: number, signal: AbortSignal): Promise<Buffer> {
  const tooLarge = (): ApiError =>
    new ApiError(413, 'body_too_large', `the body is larger than ${limit} bytes; send fewer inputs at once`)
  if (Number(incoming.headers['content-length']) > limit) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (end: () => void): void => {
      incoming.off('data', take).off('end', finish).off('error', fail)
      signal.removeEventListener('abort', fail)
      end()
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size > limit) settle(() => reject(tooLarge()))
      else chunks.push(chunk)
    }
    const finish = (): void => settle(() => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    const fail = (): void =>
      settle(() => reject(new ApiError(408, 'request_timeout', 'the body of the request did not arrive')))
    incoming.on('data', take).on('end', finish).on('error', fail)
    signal.addEventListener('abort', fail)
  })
}

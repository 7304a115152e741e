import { type FakeAnswer, type FakeService, type FakeServiceOptions, startFakeService } from './fake-service.js'
import { fakeTokens, fakeVector } from './fake-vector.js'

export interface FakeOpenAIOptions extends FakeServiceOptions {
  /** Length of a vector where the request does not ask for one; 8 by default. */
  readonly dimensions?: number
  /** `float` answers in numbers even where base64 is asked for, as some compatible servers do. */
  readonly encoding?: 'asked' | 'float'
  /** Answers last text first. */
  readonly reversed?: boolean
  /** Ignores the request's `dimensions`, as some compatible servers do. */
  readonly ignoreDimensions?: boolean
  /** Most texts in a request; 2048 by default. */
  readonly maxInputs?: number
}

/** Plays OpenAI's `POST /v1/embeddings`. */
export function startFakeOpenAI(options: FakeOpenAIOptions = {}): Promise<FakeService> {
  const { dimensions: ownDimensions = 8, encoding = 'asked', maxInputs = 2048 } = options
  return startFakeService(options, '/v1', ({ method, path, headers, body }) => {
    const sentKey = headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (options.apiKey !== undefined && sentKey !== options.apiKey) {
      // The real service quotes the start and the end of a wrong key.
      const masked = `${sentKey.slice(0, 8)}${'*'.repeat(20)}${sentKey.slice(-4)}`
      return refuse(401, `Incorrect API key provided: ${masked}.`, 'invalid_api_key')
    }
    if (method !== 'POST' || path !== '/v1/embeddings') return refuse(404, `Invalid URL (${method} ${path})`, null)
    const texts = (typeof body.input === 'string' ? [body.input] : body.input) as string[]
    if (!Array.isArray(texts) || texts.length === 0) return refuse(400, "'$.input' is invalid.", null)
    if (texts.length > maxInputs) return refuse(400, `Invalid 'input': expected at most ${maxInputs} items`, null)
    if (texts.some(text => text === '')) return refuse(400, "Invalid 'input': input cannot be an empty string.", null)
    const dimensions = options.ignoreDimensions ? ownDimensions : (body.dimensions ?? ownDimensions)
    const data = texts.map((text, index) => {
      const vector = fakeVector(text, dimensions)
      const base64 = body.encoding_format === 'base64' && encoding === 'asked'
      return { object: 'embedding', index, embedding: base64 ? toBase64(vector) : Array.from(vector) }
    })
    if (options.reversed) data.reverse()
    const tokens = texts.reduce((sum, text) => sum + fakeTokens(text), 0)
    const usage = { prompt_tokens: tokens, total_tokens: tokens }
    return { status: 200, body: { object: 'list', data, model: body.model, usage } }
  })
}

/** Little-endian float32 values in base64, as the service sends them. */
export function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (let i = 0; i < vector.length; i++) bytes.writeFloatLE(vector[i], i * 4)
  return bytes.toString('base64')
}

function refuse(status: number, message: string, code: string | null): FakeAnswer {
  return { status, body: { error: { message, type: 'invalid_request_error', param: null, code } } }
}

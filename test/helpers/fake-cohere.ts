import { type FakeAnswer, type FakeService, type FakeServiceOptions, startFakeService } from './fake-service.js'
import { fakeTokens, fakeVector } from './fake-vector.js'

export interface FakeCohereOptions extends FakeServiceOptions {
  /** Length of a vector where the request does not ask for one; 8 by default. */
  readonly dimensions?: number
  /** Most texts in a request; 96 by default. */
  readonly maxInputs?: number
}

/** Plays Cohere's `POST /v2/embed`; as with the real models, a query and a document of the same text differ. */
export function startFakeCohere(options: FakeCohereOptions = {}): Promise<FakeService> {
  const { dimensions: ownDimensions = 8, maxInputs = 96 } = options
  return startFakeService(options, '', ({ method, path, headers, body }) => {
    if (options.apiKey !== undefined && headers.authorization !== `Bearer ${options.apiKey}`) {
      return refuse(401, 'invalid api token')
    }
    if (method !== 'POST' || path !== '/v2/embed') return refuse(404, '404 page not found')
    const texts = body.texts as string[]
    if (!Array.isArray(texts) || texts.length === 0) return refuse(400, 'invalid request: texts must be a non-empty list')
    if (texts.length > maxInputs) {
      return refuse(400, `invalid request: total number of texts must be at most ${maxInputs} - received ${texts.length}`)
    }
    if (!['search_query', 'search_document'].includes(body.input_type)) {
      return refuse(400, 'invalid request: valid input_type must be provided with the provided model')
    }
    if (body.embedding_types?.join() !== 'float') return refuse(400, 'invalid request: this fake has only float embeddings')
    const dimensions = body.output_dimension ?? ownDimensions
    const embeddings = texts.map(text => Array.from(fakeVector(`${text} ${body.input_type}`, dimensions)))
    const tokens = texts.reduce((sum, text) => sum + fakeTokens(text), 0)
    return {
      status: 200,
      body: {
        id: '00000000-0000-0000-0000-000000000000',
        embeddings: { float: embeddings },
        texts,
        meta: { api_version: { version: '2' }, billed_units: { input_tokens: tokens } },
        response_type: 'embeddings_by_type',
      },
    }
  })
}

function refuse(status: number, message: string): FakeAnswer {
  return { status, body: { id: '00000000-0000-0000-0000-000000000000', message } }
}

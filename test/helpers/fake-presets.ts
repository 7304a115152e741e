import type { PresetName } from '../../src/providers/presets.js'
import { type FakeAnswer, type FakeService, type FakeServiceOptions, startFakeService } from './fake-service.js'
import { fakeTokens, fakeVector } from './fake-vector.js'

type Vectors = readonly number[][]
// biome-ignore lint/suspicious/noExplicitAny: bodies of seventeen shapes
type Body = any

/** The documented API of a service, written from its pages and not from its preset. */
export interface PlayedApi {
  /** Path of a base URL. */
  readonly base?: string
  readonly path: string
  /** Header of the key as it has to arrive; OpenAI's by default. */
  readonly key?: (key: string) => readonly [header: string, value: string]
  readonly model: string
  /** Every body for two texts, as a query and as a document, and with dimensions. */
  readonly bodies: Readonly<Record<'query' | 'document', (texts: readonly string[]) => object>>
  readonly shortened?: (texts: readonly string[]) => object
  readonly texts: (body: Body) => string[]
  readonly role?: (body: Body) => string
  readonly dimensions?: (body: Body) => number | undefined
  readonly maxInputs: number
  readonly answer: (vectors: Vectors, tokens: readonly number[], model: string) => object
  readonly refusal: (status: number, message: string) => object
  /** False if the answer has no usage. */
  readonly usage?: false
}

const sum = (tokens: readonly number[]): number => tokens.reduce((a, b) => a + b, 0)
const list: PlayedApi['answer'] = (vectors, tokens, model) => ({
  object: 'list',
  data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
  model,
  usage: { prompt_tokens: sum(tokens), total_tokens: sum(tokens) },
})
const openaiError: PlayedApi['refusal'] = (status, message) => ({
  error: { message, type: 'invalid_request_error', param: null, code: String(status) },
})
const detailError: PlayedApi['refusal'] = (_status, message) => ({ detail: message })
const messageError: PlayedApi['refusal'] = (status, message) => ({ message, code: String(status) })
const objectError: PlayedApi['refusal'] = (_status, message) => ({
  object: 'error',
  message,
  type: 'invalid_request_error',
  param: null,
  code: null,
})
const googleError: PlayedApi['refusal'] = (code, message) => ({ error: { code, message, status: 'INVALID_ARGUMENT' } })

/** An API of OpenAI's shape, with fields of its own. */
function openaiLike(path: string, model: string, maxInputs: number, more: Partial<PlayedApi> & { fields?: object } = {}) {
  const { fields = {}, ...rest } = more
  const plain = (input: readonly string[]) => ({ model, input, ...fields })
  return {
    path,
    model,
    bodies: { query: plain, document: plain },
    texts: body => body.input,
    dimensions: body => body.dimensions,
    maxInputs,
    answer: list,
    refusal: openaiError,
    ...rest,
  } satisfies PlayedApi
}

const byRole = (make: (role: 'query' | 'document') => (texts: readonly string[]) => object): PlayedApi['bodies'] => ({
  query: make('query'),
  document: make('document'),
})

/** Every preset's service. */
export const PLAYED: Readonly<Record<PresetName, PlayedApi>> = {
  gemini: {
    base: '/v1beta',
    path: '/v1beta/models/gemini-embedding-001:batchEmbedContents',
    key: key => ['x-goog-api-key', key],
    model: 'gemini-embedding-001',
    bodies: byRole(role => texts => ({ requests: texts.map(text => geminiRequest(text, role)) })),
    shortened: texts => ({
      requests: texts.map(text => ({ ...geminiRequest(text, 'query'), outputDimensionality: 5 })),
    }),
    texts: body => body.requests.map((request: Body) => request.content.parts[0].text),
    role: body => body.requests[0].taskType,
    dimensions: body => body.requests[0].outputDimensionality,
    maxInputs: 100,
    answer: vectors => ({ embeddings: vectors.map(values => ({ values })) }),
    refusal: googleError,
    usage: false,
  },
  vertex: {
    base: '/v1/projects/p/locations/europe-west4',
    path: '/v1/projects/p/locations/europe-west4/publishers/google/models/text-embedding-005:predict',
    model: 'text-embedding-005',
    bodies: byRole(role => texts => vertexBody(texts, role)),
    shortened: texts => ({
      ...vertexBody(texts, 'query'),
      parameters: { autoTruncate: false, outputDimensionality: 5 },
    }),
    texts: body => body.instances.map((instance: Body) => instance.content),
    role: body => body.instances[0].task_type,
    dimensions: body => body.parameters.outputDimensionality,
    maxInputs: 250,
    answer: (vectors, tokens) => ({
      predictions: vectors.map((values, i) => ({
        embeddings: { values, statistics: { truncated: false, token_count: tokens[i] } },
      })),
      metadata: { billableCharacterCount: 0 },
    }),
    refusal: googleError,
  },
  voyage: openaiLike('/v1/embeddings', 'voyage-4', 1000, {
    base: '/v1',
    bodies: byRole(role => input => ({ model: 'voyage-4', input, input_type: role, truncation: false })),
    shortened: input => ({
      model: 'voyage-4',
      input,
      input_type: 'query',
      truncation: false,
      output_dimension: 256,
    }),
    role: body => body.input_type,
    dimensions: body => body.output_dimension,
    refusal: detailError,
  }),
  mistral: openaiLike('/v1/embeddings', 'mistral-embed', 512, { base: '/v1', refusal: objectError }),
  jina: openaiLike('/v1/embeddings', 'jina-embeddings-v3', 512, {
    base: '/v1',
    bodies: byRole(role => input => jinaBody(input, role)),
    shortened: input => ({ ...jinaBody(input, 'query'), dimensions: 5 }),
    role: body => body.task,
    refusal: detailError,
  }),
  azure: openaiLike('/openai/v1/embeddings', 'my-deployment', 2048, {
    base: '/openai/v1',
    key: key => ['api-key', key],
    shortened: input => ({ model: 'my-deployment', input, dimensions: 5 }),
  }),
  together: openaiLike('/v1/embeddings', 'BAAI/bge-base-en-v1.5', 100, { base: '/v1' }),
  deepinfra: openaiLike('/v1/openai/embeddings', 'BAAI/bge-m3', 1024, {
    base: '/v1/openai',
    fields: { encoding_format: 'float' },
    refusal: detailError,
  }),
  fireworks: openaiLike('/inference/v1/embeddings', 'fireworks/qwen3-embedding-8b', 256, {
    base: '/inference/v1',
    shortened: input => ({ model: 'fireworks/qwen3-embedding-8b', input, dimensions: 5 }),
  }),
  nomic: {
    base: '/v1',
    path: '/v1/embedding/text',
    model: 'nomic-embed-text-v1.5',
    bodies: byRole(role => texts => ({ model: 'nomic-embed-text-v1.5', texts, task_type: `search_${role}` })),
    shortened: texts => ({
      model: 'nomic-embed-text-v1.5',
      texts,
      task_type: 'search_query',
      dimensionality: 5,
    }),
    texts: body => body.texts,
    role: body => body.task_type,
    dimensions: body => body.dimensionality,
    maxInputs: 50,
    answer: (embeddings, tokens, model) => ({
      embeddings,
      usage: { prompt_tokens: sum(tokens), total_tokens: sum(tokens) },
      model,
    }),
    refusal: detailError,
  },
  mixedbread: openaiLike('/v1/embeddings', 'mixedbread-ai/mxbai-embed-large-v1', 256, {
    base: '/v1',
    bodies: byRole(role => input => ({
      model: 'mixedbread-ai/mxbai-embed-large-v1',
      input,
      ...(role === 'query' && { prompt: 'Represent this sentence for searching relevant passages: ' }),
    })),
    shortened: input => ({
      model: 'mixedbread-ai/mxbai-embed-large-v1',
      input,
      prompt: 'Represent this sentence for searching relevant passages: ',
      dimensions: 5,
    }),
    role: body => body.prompt ?? '',
    refusal: messageError,
  }),
  nvidia: openaiLike('/v1/embeddings', 'nvidia/nv-embedqa-e5-v5', 50, {
    base: '/v1',
    bodies: byRole(role => input => ({
      model: 'nvidia/nv-embedqa-e5-v5',
      input,
      truncate: 'NONE',
      input_type: role === 'query' ? 'query' : 'passage',
    })),
    role: body => body.input_type,
    refusal: objectError,
  }),
  tei: {
    path: '/embed',
    model: 'BAAI/bge-small-en-v1.5',
    bodies: byRole(() => inputs => ({ inputs, truncate: false })),
    shortened: inputs => ({ inputs, truncate: false, dimensions: 5 }),
    texts: body => body.inputs,
    dimensions: body => body.dimensions,
    maxInputs: 32,
    answer: vectors => vectors,
    refusal: (_status, error) => ({ error, error_type: 'Validation' }),
    usage: false,
  },
  ollama: {
    path: '/api/embed',
    model: 'nomic-embed-text',
    bodies: byRole(() => input => ({ model: 'nomic-embed-text', input, truncate: false })),
    shortened: input => ({ model: 'nomic-embed-text', input, truncate: false, dimensions: 5 }),
    texts: body => body.input,
    dimensions: body => body.dimensions,
    maxInputs: 64,
    answer: (embeddings, tokens, model) => ({
      model,
      embeddings,
      total_duration: 14143917,
      load_duration: 1019500,
      prompt_eval_count: sum(tokens),
    }),
    refusal: (_status, error) => ({ error }),
  },
  vllm: openaiLike('/v1/embeddings', 'intfloat/e5-small', 256, {
    base: '/v1',
    fields: { encoding_format: 'float' },
    shortened: input => ({ model: 'intfloat/e5-small', input, encoding_format: 'float', dimensions: 5 }),
  }),
  lmstudio: openaiLike('/v1/embeddings', 'text-embedding-nomic-embed-text-v1.5', 64, { base: '/v1' }),
  snowflake: {
    path: '/api/v2/cortex/inference:embed',
    model: 'snowflake-arctic-embed-m-v1.5',
    bodies: byRole(() => text => ({ model: 'snowflake-arctic-embed-m-v1.5', text })),
    texts: body => body.text,
    maxInputs: 64,
    answer: (vectors, tokens, model) => ({
      object: 'list',
      data: vectors.map((embedding, index) => ({ object: 'embedding', embedding: [embedding], index })),
      model,
      usage: { total_tokens: sum(tokens) },
    }),
    refusal: messageError,
  },
}

function geminiRequest(text: string, role: 'query' | 'document'): object {
  return {
    model: 'models/gemini-embedding-001',
    content: { parts: [{ text }] },
    taskType: role === 'query' ? 'RETRIEVAL_QUERY' : 'RETRIEVAL_DOCUMENT',
  }
}

function vertexBody(texts: readonly string[], role: 'query' | 'document'): object {
  return {
    instances: texts.map(content => ({
      content,
      task_type: role === 'query' ? 'RETRIEVAL_QUERY' : 'RETRIEVAL_DOCUMENT',
    })),
    parameters: { autoTruncate: false },
  }
}

function jinaBody(input: readonly string[], role: 'query' | 'document'): object {
  const task = role === 'query' ? 'retrieval.query' : 'retrieval.passage'
  return { model: 'jina-embeddings-v3', input, task, truncate: false }
}

/** Key that every played service accepts, and no other. */
export const PLAYED_KEY = 'played-A1b2C3d4E5f6G7'

/** Plays the service of a preset; as with real models, a query and a document of the same text differ where it tells them apart. */
export function startFakePreset(
  name: PresetName,
  options: FakeServiceOptions & { readonly dimensions?: number } = {},
): Promise<FakeService> {
  const api = PLAYED[name]
  const { key = (value: string) => ['authorization', `Bearer ${value}`] as const } = api
  const refuse = (status: number, message: string): FakeAnswer => ({ status, body: api.refusal(status, message) })
  return startFakeService(options, api.base ?? '', ({ method, path, headers, body }) => {
    const [header, value] = key(PLAYED_KEY)
    if (headers[header] !== value) return refuse(401, `wrong key ${headers[header]}`)
    if (method !== 'POST' || path !== api.path) return refuse(404, `no such path: ${path}`)
    const texts = api.texts(body)
    if (texts.length > api.maxInputs) return refuse(422, `batch size ${texts.length} > maximum allowed ${api.maxInputs}`)
    const length = api.dimensions?.(body) ?? options.dimensions ?? 8
    const vectors = texts.map(text => Array.from(fakeVector(`${text} ${api.role?.(body) ?? ''}`, length)))
    return { status: 200, body: api.answer(vectors, texts.map(fakeTokens), api.model) }
  })
}

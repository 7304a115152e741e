import { isAdapterTrainError } from '../errors.js'
import { tryJson } from '../json.js'
import { checkDimensions, checkOptions, type KnownModel } from './check.js'
import { postJson, type RequestLimits } from './http.js'
import { openaiBatchClient } from './openai-batch.js'
import type { EmbeddingProvider, ProviderFactory, ProviderOptions } from './provider.js'
import { remoteProvider, vectorsIn } from './remote-provider.js'
import { loadOpenAI, OPENAI, openaiService } from './service.js'

const MODELS: ReadonlyMap<string, KnownModel> = new Map([
  ['text-embedding-3-small', { dimensions: 1536, choices: 'shorter' }],
  ['text-embedding-3-large', { dimensions: 3072, choices: 'shorter' }],
  ['text-embedding-ada-002', { dimensions: 1536 }],
])

const BASE64 = { encoding_format: 'base64' } as const
const DEFAULT_MODEL = 'text-embedding-3-small'

/**
 * OpenAI's embeddings, and those of any server with the same protocol (`baseUrl`, else `OPENAI_BASE_URL`).
 *
 * Another server needs no key; if `OPENAI_API_KEY` is set or `apiKey` is given, it is sent to that server.
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export const openai: ProviderFactory = {
  name: 'openai',
  description: 'OpenAI, or any OpenAI-compatible server (Ollama, vLLM, LM Studio, gateways) with a base URL',
  defaultModel: DEFAULT_MODEL,
  keyVariables: OPENAI.keyVariables,
  create: createOpenAI,
}

async function createOpenAI(options: ProviderOptions): Promise<EmbeddingProvider> {
  checkOptions('openai', options)
  const model = options.model ?? DEFAULT_MODEL
  const known = MODELS.get(model)
  checkDimensions('openai', model, known, options.dimensions)
  const service = openaiService(model, options)
  const call = await loadOpenAI(service)
  const send = (body: object, limits: RequestLimits): Promise<unknown> =>
    options.transport === 'http'
      ? postJson(service, `${service.url}/embeddings`, body, limits)
      : // Not `embeddings.create`, which adds an encoding of its own where none is given.
        call(limits, (api, request) => api.post('/embeddings', { body, ...request }))
  // A batch is refused line by line, hours later: only OpenAI's own server is known to take the parameter.
  let plain = options.batchApi === true && new URL(service.url).hostname !== 'api.openai.com'
  let accepted = false
  return remoteProvider(service, options, {
    dimensions: known?.dimensions,
    maxInputs: 2048,
    maxInputTokens: known && 8192,
    maxRequestTokens: 300_000,
    body: (input, _role, dimensions, params) => ({ model, input, ...(plain ? {} : BASE64), dimensions, ...params }),
    async send(body, limits) {
      try {
        const answer = await send(body, limits)
        accepted = true
        return answer
      } catch (error) {
        const refuses = isAdapterTrainError(error) && error.details.refusesFormat
        const perhaps = refuses === 'perhaps'
        if (plain || !refuses || (perhaps && accepted)) throw error
        // Some servers refuse the parameter, some without a word: it is left out from now on.
        const { encoding_format: _, ...rest } = body
        const answer = await send(rest, limits).catch(second => {
          throw perhaps && !second.details?.retryable ? error : second
        })
        plain = true
        return answer
      }
    },
    read(said) {
      // A server that does not say it is JSON.
      const answer = typeof said === 'string' ? (tryJson(said) ?? said) : said
      const { usage } = (answer ?? {}) as { usage?: { total_tokens?: number; prompt_tokens?: number } }
      return { vectors: vectorsIn(answer, service), tokens: usage?.total_tokens ?? usage?.prompt_tokens }
    },
    batchClient: options.batchApi ? openaiBatchClient(service, '/v1/embeddings', options.timeoutMs) : undefined,
  })
}

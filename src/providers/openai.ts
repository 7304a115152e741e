import { AdapterTrainError } from '../errors.js'
import { checkOptions } from './check-options.js'
import { checkVectors } from './check-vectors.js'
import type { ProviderFactory } from './factory.js'
import { nameOf } from './http-error.js'
import { openaiBatchClient } from './openai-batch-client.js'
import { loadOpenAI, OPENAI_KEY_VARIABLES, openaiService } from './openai-service.js'
import { openaiVectors } from './openai-vectors.js'
import { postJson } from './post-json.js'
import { BATCH_PRICE_SHARE, PRICES } from './prices.js'
import type { EmbeddingProvider, EmbedOptions, ProviderOptions, Role } from './provider.js'
import { sendRequest } from './send-request.js'
import { loadTokenCounter } from './token-counter.js'

interface Model {
  readonly dimensions: number
  readonly maxInputTokens: number
  /** Whether the service can shorten the vectors. */
  readonly shortens: boolean
}

const MODELS: ReadonlyMap<string, Model> = new Map([
  ['text-embedding-3-small', { dimensions: 1536, maxInputTokens: 8192, shortens: true }],
  ['text-embedding-3-large', { dimensions: 3072, maxInputTokens: 8192, shortens: true }],
  ['text-embedding-ada-002', { dimensions: 1536, maxInputTokens: 8192, shortens: false }],
])

const DEFAULT_MODEL = 'text-embedding-3-small'

/**
 * OpenAI's embeddings, and those of any server that speaks the same protocol (`baseUrl`, else `OPENAI_BASE_URL`).
 *
 * Another server needs no key; where `OPENAI_API_KEY` is set or `apiKey` is given, it is sent to that server.
 *
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export const openai: ProviderFactory = {
  name: 'openai',
  description: 'OpenAI, or any OpenAI-compatible server (Ollama, vLLM, LM Studio, gateways) with a base URL',
  defaultModel: DEFAULT_MODEL,
  keyVariables: OPENAI_KEY_VARIABLES,
  create: createOpenAI,
}

async function createOpenAI(options: ProviderOptions): Promise<EmbeddingProvider> {
  checkOptions('openai', options)
  const model = options.model ?? DEFAULT_MODEL
  const known = MODELS.get(model)
  checkDimensions(model, known, options.dimensions)
  const { service, address, own } = openaiService(model, options)
  const [client, countTokens] = await Promise.all([loadOpenAI(service, address.href), loadTokenCounter()])
  const prefixes: Record<Role, string> = { query: options.queryPrefix ?? '', document: options.documentPrefix ?? '' }
  const prefixTokens = Math.max(...Object.values(prefixes).map(countTokens))
  const shortened = options.dimensions === known?.dimensions ? undefined : options.dimensions
  // Another server may serve another model under a known name (LocalAI does), so its first answer decides.
  let dimensions = options.dimensions ?? (own ? known?.dimensions : undefined)

  const bodyOf = (texts: readonly string[], role: Role) => ({
    model,
    input: texts.map(text => prefixes[role] + text),
    encoding_format: 'base64' as const,
    dimensions: shortened,
  })
  const read = (answer: unknown, count: number) => {
    const { usage } = (answer ?? {}) as { usage?: { total_tokens?: number; prompt_tokens?: number } }
    const tokens = usage?.total_tokens ?? usage?.prompt_tokens
    const vectors = checkVectors(openaiVectors(answer, nameOf(service)), count, dimensions, nameOf(service))
    return { vectors, tokens: Number.isFinite(tokens) ? tokens : undefined }
  }
  const standardPrice = options.price ?? PRICES.get(`openai/${model}`)
  const viaBatches = options.batchApi && {
    price: standardPrice === undefined ? undefined : standardPrice * BATCH_PRICE_SHARE,
    batches: {
      client: openaiBatchClient(service, {
        baseUrl: address.href,
        endpoint: '/v1/embeddings',
        timeoutMs: options.timeoutMs,
      }),
      body: bodyOf,
      read,
    },
  }

  return {
    id: options.baseId ?? `openai/${model}${shortened === undefined ? '' : `@${shortened}`}`,
    get dimensions() {
      return dimensions
    },
    limits: {
      maxInputs: Math.min(options.maxInputs ?? 2048, 2048),
      maxInputTokens: options.maxInputTokens ?? known?.maxInputTokens,
      maxRequestTokens: 300_000,
      maxConcurrency: options.concurrency ?? 4,
    },
    price: standardPrice,
    cacheKey: role =>
      JSON.stringify({
        provider: 'openai',
        model,
        dimensions: shortened,
        prefix: prefixes[role] || undefined,
        host: own ? undefined : address.hostname,
        baseId: options.baseId,
      }),
    countTokens: text => prefixTokens + countTokens(text),
    async embed(texts, role, { signal, onUsage }: EmbedOptions = {}) {
      if (texts.length === 0) return []
      const answer =
        options.transport === 'http'
          ? await postJson(service, {
              url: `${address.href}/embeddings`,
              body: bodyOf(texts, role),
              timeoutMs: options.timeoutMs,
              signal,
            })
          : await sendRequest(service, { timeoutMs: options.timeoutMs, signal }, transport =>
              client(transport).embeddings.create(bodyOf(texts, role), { signal: transport.signal }),
            )
      const { vectors, tokens } = read(answer, texts.length)
      if (tokens !== undefined) onUsage?.({ tokens })
      dimensions = vectors[0].length
      return vectors
    },
    ...viaBatches,
  }
}

function checkDimensions(model: string, known: Model | undefined, dimensions: number | undefined): void {
  if (!known || dimensions === undefined || dimensions === known.dimensions) return
  if (known.shortens && dimensions < known.dimensions) return
  const expected = known.shortens ? `at most ${known.dimensions}` : `${known.dimensions}, it cannot be shortened`
  throw new AdapterTrainError('USAGE', `openai: ${model} has no ${dimensions} dimensions: expected ${expected}`)
}

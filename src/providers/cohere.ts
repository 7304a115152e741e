import { AdapterTrainError } from '../errors.js'
import { checkOptions } from './check-options.js'
import { checkVectors } from './check-vectors.js'
import { COHERE_KEY_VARIABLES, COHERE_TOKEN_RATIO, cohereService, loadCohere } from './cohere-service.js'
import type { ProviderFactory } from './factory.js'
import { nameOf } from './http-error.js'
import { PRICES } from './prices.js'
import type { EmbeddingProvider, EmbedOptions, ProviderOptions, Role } from './provider.js'
import { sendRequest } from './send-request.js'
import { loadTokenCounter } from './token-counter.js'

interface Model {
  readonly dimensions: number
  /** Every length that the model offers; only its own where this is absent. */
  readonly choices?: readonly number[]
}

const MODELS: ReadonlyMap<string, Model> = new Map([
  ['embed-v4.0', { dimensions: 1536, choices: [256, 512, 1024, 1536] }],
  ['embed-english-v3.0', { dimensions: 1024 }],
  ['embed-multilingual-v3.0', { dimensions: 1024 }],
  ['embed-english-light-v3.0', { dimensions: 384 }],
  ['embed-multilingual-light-v3.0', { dimensions: 384 }],
])

const DEFAULT_MODEL = 'embed-v4.0'
const INPUT_TYPES = { query: 'search_query', document: 'search_document' } as const

/**
 * Cohere's embeddings (API v2), which tell queries and documents apart by `input_type`.
 *
 * A text that is too long for the model (512 tokens for v3, 128,000 for v4) is refused, not cut: `truncate` is `NONE`.
 *
 * @see https://docs.cohere.com/v2/reference/embed
 */
export const cohere: ProviderFactory = {
  name: 'cohere',
  description: 'Cohere Embed; a query and a document are embedded differently',
  defaultModel: DEFAULT_MODEL,
  keyVariables: COHERE_KEY_VARIABLES,
  create: createCohere,
}

async function createCohere(options: ProviderOptions): Promise<EmbeddingProvider> {
  checkOptions('cohere', options)
  const model = options.model ?? DEFAULT_MODEL
  const known = MODELS.get(model)
  checkDimensions(model, known, options.dimensions)
  const { service, address, own } = cohereService(model, options)
  const [client, countTokens] = await Promise.all([loadCohere(service, address.href), loadTokenCounter()])
  const prefixes: Record<Role, string> = { query: options.queryPrefix ?? '', document: options.documentPrefix ?? '' }
  const prefixTokens = Math.max(...Object.values(prefixes).map(countTokens))
  const shortened = options.dimensions === known?.dimensions ? undefined : options.dimensions
  let dimensions = options.dimensions ?? (own ? known?.dimensions : undefined)

  return {
    id: options.baseId ?? `cohere/${model}${shortened === undefined ? '' : `@${shortened}`}`,
    get dimensions() {
      return dimensions
    },
    // Tokens can only be estimated here, so the model's limit is left to the service, lest a text be refused that fits.
    limits: {
      maxInputs: Math.min(options.maxInputs ?? 96, 96),
      maxInputTokens: options.maxInputTokens,
      maxConcurrency: options.concurrency ?? 4,
    },
    price: options.price ?? PRICES.get(`cohere/${model}`),
    cacheKey: role =>
      JSON.stringify({
        provider: 'cohere',
        model,
        dimensions: shortened,
        inputType: INPUT_TYPES[role],
        prefix: prefixes[role] || undefined,
        host: own ? undefined : address.hostname,
        baseId: options.baseId,
      }),
    countTokens: text => Math.ceil((prefixTokens + countTokens(text)) * COHERE_TOKEN_RATIO),
    async embed(texts, role, { signal, onUsage }: EmbedOptions = {}) {
      if (texts.length === 0) return []
      const answer = await sendRequest(service, { timeoutMs: options.timeoutMs, signal }, transport =>
        client(transport).embed(
          {
            model,
            texts: texts.map(text => prefixes[role] + text),
            inputType: INPUT_TYPES[role],
            embeddingTypes: ['float'],
            // Left out altogether: the library sends `undefined` as null.
            ...(shortened === undefined ? {} : { outputDimension: shortened }),
            truncate: 'NONE',
          },
          { abortSignal: transport.signal },
        ),
      )
      const tokens = answer?.meta?.billedUnits?.inputTokens
      if (tokens !== undefined && Number.isFinite(tokens)) onUsage?.({ tokens })
      const vectors = checkVectors(answer?.embeddings?.float, texts.length, dimensions, nameOf(service))
      dimensions = vectors[0].length
      return vectors
    },
  }
}

function checkDimensions(model: string, known: Model | undefined, dimensions: number | undefined): void {
  if (!known || dimensions === undefined) return
  const choices = known.choices ?? [known.dimensions]
  if (choices.includes(dimensions)) return
  throw new AdapterTrainError(
    'USAGE',
    `cohere: ${model} has no ${dimensions} dimensions: expected ${choices.length > 1 ? 'one of ' : ''}${choices.join(', ')}`,
  )
}

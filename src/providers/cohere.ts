import type { Cohere } from 'cohere-ai'
import { checkDimensions, checkOptions, type KnownModel } from './check.js'
import { saidInstead } from './http-error.js'
import type { EmbeddingProvider, ProviderFactory, ProviderOptions } from './provider.js'
import { missingVectors, remoteProvider } from './remote-provider.js'
import { COHERE, COHERE_TOKEN_RATIO, cohereService, loadCohere } from './service.js'

const MODELS: ReadonlyMap<string, KnownModel> = new Map([
  ['embed-v4.0', { dimensions: 1536, choices: [256, 512, 1024, 1536] }],
  ['embed-english-v3.0', { dimensions: 1024 }],
  ['embed-multilingual-v3.0', { dimensions: 1024 }],
  ['embed-english-light-v3.0', { dimensions: 384 }],
  ['embed-multilingual-light-v3.0', { dimensions: 384 }],
])

const DEFAULT_MODEL = 'embed-v4.0'
const INPUT_TYPES = { query: 'search_query', document: 'search_document' } as const

/**
 * Cohere's embeddings (API v2), which distinguish queries and documents by `input_type`.
 *
 * A text too long for the model (512 tokens for v3, 128,000 for v4) is refused, not cut: `truncate` is `NONE`.
 * @see https://docs.cohere.com/v2/reference/embed
 */
export const cohere: ProviderFactory = {
  name: 'cohere',
  description: 'Cohere Embed; embeds queries and documents differently',
  defaultModel: DEFAULT_MODEL,
  keyVariables: COHERE.keyVariables,
  create: createCohere,
}

async function createCohere(options: ProviderOptions): Promise<EmbeddingProvider> {
  checkOptions('cohere', options)
  const model = options.model ?? DEFAULT_MODEL
  const known = MODELS.get(model)
  checkDimensions('cohere', model, known, options.dimensions)
  const service = cohereService(model, options)
  const call = await loadCohere(service)
  return remoteProvider(service, options, {
    dimensions: known?.dimensions,
    maxInputs: 96,
    // No limit of tokens: they are only estimated, and a text that fits must not be refused. The service knows its limit.
    tokenRatio: COHERE_TOKEN_RATIO,
    inputTypes: INPUT_TYPES,
    body: (texts, role, dimensions): Cohere.V2EmbedRequest => ({
      model,
      texts,
      inputType: INPUT_TYPES[role],
      embeddingTypes: ['float'],
      // Absent, not `undefined`, which the library sends as null.
      ...(dimensions === undefined ? {} : { outputDimension: dimensions }),
      truncate: 'NONE',
    }),
    send: (body, limits) => call(limits, (api, request) => api.embed(body, request)),
    read(answer) {
      const { embeddings, meta } = (answer ?? {}) as Partial<Cohere.EmbedByTypeResponse>
      if (embeddings === undefined && saidInstead(service, answer).quote) throw missingVectors(service, answer, '"embeddings"')
      return { vectors: embeddings?.float, tokens: meta?.billedUnits?.inputTokens }
    },
  })
}

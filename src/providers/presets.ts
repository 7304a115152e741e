import type { KnownModel } from './check.js'
import type { Role } from './provider.js'
import type { ServiceAddress } from './service.js'

/** API of an embedding service as data; its vectors come over one client, see `preset-provider.ts`. */
export interface Preset extends ServiceAddress {
  readonly description: string
  /** Page of the API that the preset follows. */
  readonly page: string
  /** Page of the prices; absent for a server of one's own. */
  readonly pricing?: string
  /** Path below the address, default `/embeddings`; `{model}` stands for the model. */
  readonly path?: string
  readonly model?: string
  readonly models?: Readonly<Record<string, KnownModel>>
  readonly maxInputs: number
  readonly maxRequestTokens?: number
  readonly texts?: string
  readonly fields?: object
  /** Fields that tell a query from a document. */
  readonly roles?: Readonly<Record<Role, object>>
  /** Field of the length of the vectors; absent if the API has none. */
  readonly dimensions?: string
  /** Makes the body; default model, texts, fields and dimensions side by side. */
  body?(model: string, texts: readonly string[], fields: object, dimensions: object): object
  /** Path of the vectors in the answer, through lists; default OpenAI's `data`. */
  readonly vectors?: string
  /** Path of the tokens billed, summed over lists; default `usage.total_tokens`. */
  readonly tokens?: string
}

const VOYAGE = { dimensions: 1024, choices: [256, 512, 1024, 2048] } as const
const GOOGLE_ROLES = (field: string) => ({ query: { [field]: 'RETRIEVAL_QUERY' }, document: { [field]: 'RETRIEVAL_DOCUMENT' } })

/**
 * Services by name. Every limit is the documented one, or below it; where the page names none, a modest one. Tokens of a text are not
 * limited, because they are only estimated: a request asks the service to refuse what is too long, if its API has a field for that.
 */
export const PRESETS = {
  gemini: {
    description: 'Google Gemini API; embeds queries and documents differently',
    page: 'https://ai.google.dev/api/embeddings#method:-models.batchembedcontents',
    pricing: 'https://ai.google.dev/gemini-api/docs/pricing',
    url: 'https://generativelanguage.googleapis.com/v1beta',
    keyVariables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    keyHeader: 'x-goog-api-key',
    path: '/models/{model}:batchEmbedContents',
    model: 'gemini-embedding-001',
    models: { 'gemini-embedding-001': { dimensions: 3072, choices: 'shorter', price: 0.15 } },
    maxInputs: 100,
    roles: GOOGLE_ROLES('taskType'),
    dimensions: 'outputDimensionality',
    body: (model, texts, fields, dimensions) => ({
      requests: texts.map(text => ({ model: `models/${model}`, content: { parts: [{ text }] }, ...fields, ...dimensions })),
    }),
    vectors: 'embeddings.values',
  },
  vertex: {
    description: 'Google Vertex AI, by an access token; embeds queries and documents differently',
    page: 'https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api',
    pricing: 'https://cloud.google.com/vertex-ai/generative-ai/pricing',
    addressForm: 'https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION',
    hosts: /(^|[.-])aiplatform\.googleapis\.com$/,
    keyVariables: ['VERTEX_ACCESS_TOKEN'],
    path: '/publishers/google/models/{model}:predict',
    model: 'gemini-embedding-001',
    models: {
      'gemini-embedding-001': { dimensions: 3072, choices: 'shorter', price: 0.15, maxInputs: 1 },
      'text-embedding-005': { dimensions: 768, choices: 'shorter' },
      'text-multilingual-embedding-002': { dimensions: 768, choices: 'shorter' },
    },
    maxInputs: 250,
    maxRequestTokens: 20_000,
    roles: GOOGLE_ROLES('task_type'),
    dimensions: 'outputDimensionality',
    body: (_model, texts, fields, dimensions) => ({
      instances: texts.map(content => ({ content, ...fields })),
      parameters: { autoTruncate: false, ...dimensions },
    }),
    vectors: 'predictions.embeddings.values',
    tokens: 'predictions.embeddings.statistics.token_count',
  },
  voyage: {
    description: 'Voyage AI; embeds queries and documents differently',
    page: 'https://docs.voyageai.com/reference/embeddings-api',
    pricing: 'https://docs.voyageai.com/docs/pricing',
    url: 'https://api.voyageai.com/v1',
    keyVariables: ['VOYAGE_API_KEY'],
    model: 'voyage-4',
    models: {
      'voyage-4-large': { ...VOYAGE, price: 0.12 },
      'voyage-4': { ...VOYAGE, price: 0.06 },
      'voyage-4-lite': { ...VOYAGE, price: 0.02 },
      'voyage-3-large': { ...VOYAGE, price: 0.18 },
      'voyage-3.5': { ...VOYAGE, price: 0.06 },
      'voyage-3.5-lite': { ...VOYAGE, price: 0.02 },
    },
    maxInputs: 1000,
    // Of the large models; the others take 320,000 or a million.
    maxRequestTokens: 120_000,
    fields: { truncation: false },
    roles: { query: { input_type: 'query' }, document: { input_type: 'document' } },
    dimensions: 'output_dimension',
  },
  mistral: {
    description: 'Mistral AI; one kind of embedding for queries and documents',
    page: 'https://docs.mistral.ai/api/endpoint/embeddings',
    pricing: 'https://mistral.ai/pricing#api-pricing',
    url: 'https://api.mistral.ai/v1',
    keyVariables: ['MISTRAL_API_KEY'],
    model: 'mistral-embed',
    models: { 'mistral-embed': { dimensions: 1024, price: 0.1 } },
    // Not on the page; what the service's refusals say.
    maxInputs: 512,
    maxRequestTokens: 16_384,
    dimensions: 'output_dimension',
  },
  jina: {
    description: 'Jina AI; embeds queries and documents differently',
    page: 'https://api.jina.ai/redoc#tag/embeddings',
    pricing: 'https://jina.ai/embeddings/#pricing',
    url: 'https://api.jina.ai/v1',
    keyVariables: ['JINA_API_KEY'],
    model: 'jina-embeddings-v3',
    models: {
      'jina-embeddings-v3': { dimensions: 1024, choices: 'shorter' },
      'jina-embeddings-v4': { dimensions: 2048, choices: 'shorter' },
    },
    maxInputs: 512,
    fields: { truncate: false },
    roles: { query: { task: 'retrieval.query' }, document: { task: 'retrieval.passage' } },
    dimensions: 'dimensions',
  },
  azure: {
    description: 'Azure OpenAI, by the name of a deployment (--model)',
    page: 'https://learn.microsoft.com/azure/ai-foundry/openai/latest#create-embedding',
    pricing: 'https://azure.microsoft.com/pricing/details/cognitive-services/openai-service',
    addressForm: 'https://RESOURCE.openai.azure.com/openai/v1',
    hosts: /\.azure\.com$/,
    keyVariables: ['AZURE_OPENAI_API_KEY'],
    keyHeader: 'api-key',
    maxInputs: 2048,
    maxRequestTokens: 300_000,
    dimensions: 'dimensions',
  },
  together: {
    description: 'Together AI, which serves open models',
    page: 'https://docs.together.ai/reference/embeddings',
    pricing: 'https://www.together.ai/pricing',
    url: 'https://api.together.xyz/v1',
    keyVariables: ['TOGETHER_API_KEY'],
    maxInputs: 100,
  },
  deepinfra: {
    description: 'DeepInfra, which serves open models',
    page: 'https://docs.deepinfra.com/api-reference/openai-embeddings-1',
    pricing: 'https://deepinfra.com/models/embeddings',
    url: 'https://api.deepinfra.com/v1/openai',
    keyVariables: ['DEEPINFRA_API_KEY', 'DEEPINFRA_TOKEN'],
    model: 'BAAI/bge-m3',
    models: { 'BAAI/bge-m3': { dimensions: 1024 } },
    maxInputs: 1024,
    fields: { encoding_format: 'float' },
    dimensions: 'dimensions',
  },
  fireworks: {
    description: 'Fireworks AI, which serves open models',
    page: 'https://docs.fireworks.ai/api-reference/creates-an-embedding-vector-representing-the-input-text',
    pricing: 'https://fireworks.ai/pricing',
    url: 'https://api.fireworks.ai/inference/v1',
    keyVariables: ['FIREWORKS_API_KEY'],
    maxInputs: 256,
    dimensions: 'dimensions',
  },
  nomic: {
    description: 'Nomic Atlas; embeds queries and documents differently',
    page: 'https://docs.nomic.ai/reference/api/embed-text-v-1-embedding-text-post',
    pricing: 'https://www.nomic.ai/pricing',
    url: 'https://api-atlas.nomic.ai/v1',
    keyVariables: ['NOMIC_API_KEY'],
    path: '/embedding/text',
    model: 'nomic-embed-text-v1.5',
    models: { 'nomic-embed-text-v1.5': { dimensions: 768, choices: 'shorter' } },
    maxInputs: 50,
    texts: 'texts',
    roles: { query: { task_type: 'search_query' }, document: { task_type: 'search_document' } },
    dimensions: 'dimensionality',
    vectors: 'embeddings',
  },
  mixedbread: {
    description: 'Mixedbread; embeds queries with a prompt',
    page: 'https://www.mixedbread.com/api-reference/endpoints/embeddings/create-embeddings',
    pricing: 'https://www.mixedbread.com/pricing',
    url: 'https://api.mixedbread.com/v1',
    keyVariables: ['MXBAI_API_KEY'],
    model: 'mixedbread-ai/mxbai-embed-large-v1',
    models: {
      'mixedbread-ai/mxbai-embed-large-v1': {
        dimensions: 1024,
        choices: 'shorter',
        roles: { query: { prompt: 'Represent this sentence for searching relevant passages: ' }, document: {} },
      },
    },
    maxInputs: 256,
    dimensions: 'dimensions',
  },
  nvidia: {
    description: 'NVIDIA NIM, hosted or your own; embeds queries and documents differently',
    page: 'https://docs.nvidia.com/nim/nemo-retriever/text-embedding/latest/reference.html',
    pricing: 'https://build.nvidia.com/explore/retrieval',
    url: 'https://integrate.api.nvidia.com/v1',
    keyVariables: ['NVIDIA_API_KEY'],
    model: 'nvidia/nv-embedqa-e5-v5',
    models: { 'nvidia/nv-embedqa-e5-v5': { dimensions: 1024 } },
    maxInputs: 50,
    fields: { truncate: 'NONE' },
    roles: { query: { input_type: 'query' }, document: { input_type: 'passage' } },
    dimensions: 'dimensions',
  },
  tei: {
    description: 'Text Embeddings Inference, a server of your own',
    page: 'https://huggingface.github.io/text-embeddings-inference/#/Text%20Embeddings%20Inference/embed',
    addressForm: 'http://localhost:8080',
    keyVariables: ['TEI_API_KEY'],
    path: '/embed',
    // The server's default for --max-client-batch-size.
    maxInputs: 32,
    texts: 'inputs',
    fields: { truncate: false },
    dimensions: 'dimensions',
    body: (_model, inputs, fields, dimensions) => ({ inputs, ...fields, ...dimensions }),
    vectors: '',
  },
  ollama: {
    description: 'Ollama on this machine, or elsewhere with a base URL',
    page: 'https://docs.ollama.com/api/embed',
    url: 'http://localhost:11434',
    keyVariables: [],
    path: '/api/embed',
    maxInputs: 64,
    fields: { truncate: false },
    dimensions: 'dimensions',
    vectors: 'embeddings',
    tokens: 'prompt_eval_count',
  },
  vllm: {
    description: 'vLLM, a server of your own',
    page: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#embeddings-api',
    addressForm: 'http://localhost:8000/v1',
    keyVariables: ['VLLM_API_KEY'],
    maxInputs: 256,
    fields: { encoding_format: 'float' },
    dimensions: 'dimensions',
  },
  lmstudio: {
    description: 'LM Studio on this machine, or elsewhere with a base URL',
    page: 'https://lmstudio.ai/docs/developer/openai-compat/embeddings',
    url: 'http://localhost:1234/v1',
    keyVariables: [],
    maxInputs: 64,
  },
  snowflake: {
    description: 'Snowflake Cortex, by an access token',
    page: 'https://docs.snowflake.com/user-guide/snowflake-cortex/cortex-rest-api/embed-api',
    pricing: 'https://www.snowflake.com/legal-files/CreditConsumptionTable.pdf',
    addressForm: 'https://ACCOUNT.snowflakecomputing.com',
    hosts: /\.snowflakecomputing\.com$/,
    keyVariables: ['SNOWFLAKE_TOKEN'],
    path: '/api/v2/cortex/inference:embed',
    model: 'snowflake-arctic-embed-m-v1.5',
    models: { 'snowflake-arctic-embed-m-v1.5': { dimensions: 768 }, 'snowflake-arctic-embed-l-v2.0': { dimensions: 1024 } },
    maxInputs: 64,
    texts: 'text',
    // One vector in a list of its own per text.
    vectors: 'data.embedding.0',
  },
} as const satisfies Readonly<Record<string, Preset>>

export type PresetName = keyof typeof PRESETS

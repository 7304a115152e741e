import type { ChatCompletion } from 'openai/resources/chat/completions'
import { openaiBatchClient } from '../../providers/openai-batch.js'
import { BATCH_PRICE_SHARE, CHAT_PRICES } from '../../providers/prices.js'
import { loadOpenAI, openaiService } from '../../providers/service.js'
import type { ChatAnswer, ChatModel, ChatModelOptions } from './chat-model.js'
import { ANSWER_SCHEMA, CHAT_TIMEOUT_MS, readAnswer } from './chat-model.js'

const DEFAULT_MODEL = 'gpt-4o-mini'

/** Loopback, private networks, and names without a dot, as containers have them. */
const LOCAL_HOST = /^(localhost|(10\.\d+|192\.168|172\.(1[6-9]|2\d|3[01]))\.\d+\.\d+|[^.:[\]]+|.+\.local|host\.docker\.internal)$/

/**
 * Makes a chat model of OpenAI's, or of any server with the same protocol (`baseUrl`, else `OPENAI_BASE_URL`).
 *
 * Another server needs no key; if `OPENAI_API_KEY` is set or `apiKey` is given, it is sent to that server.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export async function createOpenAIChat(options: ChatModelOptions): Promise<ChatModel> {
  const { model = DEFAULT_MODEL, timeoutMs = CHAT_TIMEOUT_MS } = options
  const service = openaiService(model, { ...options, task: 'chat', maker: 'createChatModel' })
  const { host } = service
  const call = await loadOpenAI(service)
  const bodyOf = (prompt: string, structured: boolean) => ({
    model,
    messages: [{ role: 'user' as const, content: prompt }],
    response_format: structured
      ? { type: 'json_schema' as const, json_schema: { name: 'questions', strict: true, schema: ANSWER_SCHEMA } }
      : undefined,
  })
  const read = (answer: ChatCompletion | undefined): ChatAnswer => {
    const choice = answer?.choices?.[0]
    const usage = { input: answer?.usage?.prompt_tokens, output: answer?.usage?.completion_tokens }
    const { content, refusal } = choice?.message ?? {}
    return readAnswer(service, content, usage, { refusal, finish: choice?.finish_reason, whole: answer })
  }
  const listed = host === undefined ? CHAT_PRICES.get(`openai/${model}`) : undefined
  const price = options.price ?? listed ?? (host && LOCAL_HOST.test(host) ? { input: 0, output: 0 } : undefined)
  return {
    id: `openai/${model}`,
    cacheKey: JSON.stringify({ provider: 'openai', model, host }),
    price,
    async complete({ prompt, structured, signal }) {
      const body = bodyOf(prompt, structured)
      return read(await call({ timeoutMs, signal }, (api, request) => api.chat.completions.create(body, request)))
    },
    ...(options.batchApi && {
      price: price && { input: price.input * BATCH_PRICE_SHARE, output: price.output * BATCH_PRICE_SHARE },
      batches: {
        client: openaiBatchClient(service, '/v1/chat/completions', options.timeoutMs),
        body: (prompt: string) => bodyOf(prompt, true),
        read: (body: unknown) => read(body as ChatCompletion),
      },
    }),
  }
}

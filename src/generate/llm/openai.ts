import type { ChatCompletion } from 'openai/resources/chat/completions'
import { CHAT_PRICES } from '../../providers/chat-prices.js'
import { openaiBatchClient } from '../../providers/openai-batch-client.js'
import { loadOpenAI, OPENAI_KEY_VARIABLES, openaiService } from '../../providers/openai-service.js'
import { BATCH_PRICE_SHARE } from '../../providers/prices.js'
import { sendRequest } from '../../providers/send-request.js'
import { ANSWER_SCHEMA, CHAT_TIMEOUT_MS, type ChatAnswer, type ChatModelFactory } from './chat-model.js'
import { readAnswer } from './read-answer.js'

const DEFAULT_MODEL = 'gpt-4o-mini'

/** Loopback, private networks, and names without a dot, as containers have them. */
const LOCAL_HOST =
  /^(localhost|(10\.\d+|192\.168|172\.(1[6-9]|2\d|3[01]))\.\d+\.\d+|[^.:[\]]+|.+\.local|host\.docker\.internal)$/

/**
 * OpenAI's chat completions, and those of any server that speaks the same protocol (`baseUrl`, else `OPENAI_BASE_URL`).
 *
 * Another server needs no key; where `OPENAI_API_KEY` is set or `apiKey` is given, it is sent to that server.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export const openai: ChatModelFactory = {
  name: 'openai',
  keyVariables: OPENAI_KEY_VARIABLES,
  async create(options) {
    const model = options.model ?? DEFAULT_MODEL
    const { service, address, own } = openaiService(model, options, { task: 'chat', maker: 'createChatModel' })
    const client = await loadOpenAI(service, address.href)
    const listed = own ? CHAT_PRICES.get(`openai/${model}`) : undefined
    const free = LOCAL_HOST.test(address.hostname) ? { input: 0, output: 0 } : undefined
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
      return readAnswer(service, content, usage, { refusal, finish: choice?.finish_reason })
    }
    const price = options.price ?? listed ?? free
    const viaBatches = options.batchApi && {
      price: price && { input: price.input * BATCH_PRICE_SHARE, output: price.output * BATCH_PRICE_SHARE },
      batches: {
        client: openaiBatchClient(service, {
          baseUrl: address.href,
          endpoint: '/v1/chat/completions',
          timeoutMs: options.timeoutMs,
        }),
        body: (prompt: string) => bodyOf(prompt, true),
        read: (body: unknown) => read(body as ChatCompletion),
      },
    }
    return {
      id: `openai/${model}`,
      cacheKey: JSON.stringify({ provider: 'openai', model, host: own ? undefined : address.hostname }),
      price,
      async complete({ prompt, structured, signal }) {
        const timeoutMs = options.timeoutMs ?? CHAT_TIMEOUT_MS
        const answer = await sendRequest(service, { timeoutMs, signal }, transport =>
          client(transport).chat.completions.create(bodyOf(prompt, structured), { signal: transport.signal }),
        )
        return read(answer)
      },
      ...viaBatches,
    }
  },
}

import { CHAT_PRICES } from '../../providers/prices.js'
import { COHERE_TOKEN_RATIO, cohereService, loadCohere } from '../../providers/service.js'
import { ANSWER_SCHEMA, CHAT_TIMEOUT_MS, type ChatModel, type ChatModelOptions, readAnswer } from './chat-model.js'

const DEFAULT_MODEL = 'command-r-08-2024'
// Its structured output has no `additionalProperties`.
const { additionalProperties: _, ...SCHEMA } = ANSWER_SCHEMA

/** Makes a chat model of Cohere's (API v2). See https://docs.cohere.com/v2/reference/chat */
export async function createCohereChat(options: ChatModelOptions): Promise<ChatModel> {
  const { model = DEFAULT_MODEL, timeoutMs = CHAT_TIMEOUT_MS } = options
  const service = cohereService(model, { ...options, task: 'chat', maker: 'createChatModel' })
  const { host } = service
  const call = await loadCohere(service)
  return {
    id: `cohere/${model}`,
    cacheKey: JSON.stringify({ provider: 'cohere', model, host }),
    price: options.price ?? (host === undefined ? CHAT_PRICES.get(`cohere/${model}`) : undefined),
    tokenRatio: COHERE_TOKEN_RATIO,
    async complete({ prompt, structured, signal }) {
      // Absent, not `undefined`, which the library sends as null.
      const format = structured ? { responseFormat: { type: 'json_object' as const, jsonSchema: SCHEMA } } : {}
      const answer = await call({ timeoutMs, signal }, (api, request) =>
        api.chat({ model, messages: [{ role: 'user', content: prompt }], ...format }, request),
      )
      const { billedUnits, tokens } = answer?.usage ?? {}
      const usage = {
        input: billedUnits?.inputTokens ?? tokens?.inputTokens,
        output: billedUnits?.outputTokens ?? tokens?.outputTokens,
      }
      const finish = answer?.finishReason
      const text = finish === 'ERROR' || finish === 'TIMEOUT' ? undefined : answer?.message?.content
      return readAnswer(service, text, usage, { finish, whole: answer })
    },
  }
}

import { CHAT_PRICES } from '../../providers/chat-prices.js'
import { COHERE_KEY_VARIABLES, COHERE_TOKEN_RATIO, cohereService, loadCohere } from '../../providers/cohere-service.js'
import { sendRequest } from '../../providers/send-request.js'
import { ANSWER_SCHEMA, CHAT_TIMEOUT_MS, type ChatModelFactory } from './chat-model.js'
import { readAnswer } from './read-answer.js'

const DEFAULT_MODEL = 'command-r-08-2024'
// Its structured output knows no `additionalProperties`.
const { additionalProperties: _, ...SCHEMA } = ANSWER_SCHEMA

/**
 * Cohere's chat (API v2).
 *
 * @see https://docs.cohere.com/v2/reference/chat
 */
export const cohere: ChatModelFactory = {
  name: 'cohere',
  keyVariables: COHERE_KEY_VARIABLES,
  async create(options) {
    const model = options.model ?? DEFAULT_MODEL
    const { service, address, own } = cohereService(model, options, { task: 'chat', maker: 'createChatModel' })
    const client = await loadCohere(service, address.href)
    return {
      id: `cohere/${model}`,
      cacheKey: JSON.stringify({ provider: 'cohere', model, host: own ? undefined : address.hostname }),
      price: options.price ?? (own ? CHAT_PRICES.get(`cohere/${model}`) : undefined),
      tokenRatio: COHERE_TOKEN_RATIO,
      async complete({ prompt, structured, signal }) {
        const timeoutMs = options.timeoutMs ?? CHAT_TIMEOUT_MS
        const answer = await sendRequest(service, { timeoutMs, signal }, transport =>
          client(transport).chat(
            {
              model,
              messages: [{ role: 'user', content: prompt }],
              // Left out altogether where it is not wanted: the library sends `undefined` as null.
              ...(structured ? { responseFormat: { type: 'json_object', jsonSchema: SCHEMA } } : {}),
            },
            { abortSignal: transport.signal },
          ),
        )
        const text = answer?.message?.content?.map(part => (part.type === 'text' ? part.text : '')).join('')
        const { billedUnits, tokens } = answer?.usage ?? {}
        const usage = {
          input: billedUnits?.inputTokens ?? tokens?.inputTokens,
          output: billedUnits?.outputTokens ?? tokens?.outputTokens,
        }
        const failed = answer?.finishReason === 'ERROR' || answer?.finishReason === 'TIMEOUT'
        return readAnswer(service, failed ? undefined : text, usage, { finish: answer?.finishReason })
      },
    }
  },
}

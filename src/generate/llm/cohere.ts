import { resolveApiKey } from '../../providers/api-key.js'
import { parseBaseUrl } from '../../providers/base-url.js'
import { CHAT_PRICES } from '../../providers/chat-prices.js'
import type { Service } from '../../providers/http-error.js'
import { sendRequest } from '../../providers/send-request.js'
import { ANSWER_SCHEMA, CHAT_TIMEOUT_MS, type ChatModelFactory } from './chat-model.js'
import { readAnswer } from './read-answer.js'

const DEFAULT_MODEL = 'command-r-08-2024'
const KEY_VARIABLES = ['CO_API_KEY', 'COHERE_API_KEY']
const OWN_URL = 'https://api.cohere.com'
// Its structured output knows no `additionalProperties`.
const { additionalProperties: _, ...SCHEMA } = ANSWER_SCHEMA

/**
 * Cohere's chat (API v2).
 *
 * @see https://docs.cohere.com/v2/reference/chat
 */
export const cohere: ChatModelFactory = {
  name: 'cohere',
  keyVariables: KEY_VARIABLES,
  async create(options) {
    const model = options.model ?? DEFAULT_MODEL
    const given = parseBaseUrl(options.baseUrl || OWN_URL, 'option baseUrl')
    // The library adds the version to the path itself.
    const address = { ...given, href: given.href.replace(/\/v[12]$/, '') }
    const own = /(^|\.)api\.cohere\.(com|ai)$/.test(address.hostname)
    const key = resolveApiKey('cohere', options.apiKey, KEY_VARIABLES, own, 'createChatModel')
    const { CohereClientV2 } = await import('cohere-ai')
    const service: Service = {
      provider: 'cohere',
      model,
      baseUrl: address.href === OWN_URL ? undefined : address.href,
      key,
      keyVariables: KEY_VARIABLES,
      task: 'chat',
    }
    return {
      id: `cohere/${model}`,
      cacheKey: JSON.stringify({ provider: 'cohere', model, host: own ? undefined : address.hostname }),
      price: options.price ?? (own ? CHAT_PRICES.get(`cohere/${model}`) : undefined),
      // Cohere's tokenizers differ from cl100k by some percent in either direction; a fifth more makes it an upper estimate.
      tokenRatio: 1.2,
      async complete({ prompt, structured, signal }) {
        const timeoutMs = options.timeoutMs ?? CHAT_TIMEOUT_MS
        const answer = await sendRequest(service, { timeoutMs, signal }, transport =>
          new CohereClientV2({
            token: key ?? 'none',
            environment: address.href,
            maxRetries: 0,
            timeoutInSeconds: transport.timeoutMs / 1000,
            fetch: transport.fetch,
          }).chat(
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

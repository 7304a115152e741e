import { type RetryOptions, withRetries } from '../embed/retry.js'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import type { ChatAnswer, ChatModel, ChatRequest } from './llm/chat-model.js'

/**
 * Asks for structured answers until the server refuses them, and for plain ones from then on.
 *
 * @param onRequest called for every request that is sent, retries included
 */
export function createAsker(
  model: ChatModel,
  retryOptions: RetryOptions,
  onRequest: () => void,
): (request: Omit<ChatRequest, 'structured'>) => Promise<ChatAnswer> {
  let structured = true
  const send = (request: Omit<ChatRequest, 'structured'>, asJson: boolean): Promise<ChatAnswer> =>
    withRetries(async () => {
      onRequest()
      try {
        return await model.complete({ ...request, structured: asJson })
      } catch (error) {
        throw unreadable(error)
      }
    }, retryOptions)

  return async request => {
    const asJson = structured
    try {
      return await send(request, asJson)
    } catch (error) {
      // A server that does not know the format answers 400, or 422 where a schema of its own checks requests.
      const status = isAdapterTrainError(error, 'PROVIDER_REQUEST') ? error.details.status : undefined
      if (!asJson || (status !== 400 && status !== 422)) throw error
      const answer = await send(request, false)
      // Only now is it known that the format was what it refused, and not the prompt.
      structured = false
      return answer
    }
  }
}

/** What is no answer of a chat service (a page of a proxy, JSON that is cut off) may well be one next time. */
function unreadable(error: unknown): unknown {
  if (!isAdapterTrainError(error, 'PROVIDER_RESPONSE')) return error
  return new AdapterTrainError(error.code, error.message, { details: { ...error.details, retryable: true } })
}

import { AdapterTrainError } from '../../errors.js'
import { nameOf, type Service } from '../../providers/http-error.js'
import type { ChatAnswer } from './chat-model.js'

/**
 * Makes an answer of what a service said.
 *
 * @throws PROVIDER_RESPONSE, retryable, when there is neither a text nor a refusal
 */
export function readAnswer(
  service: Service,
  text: unknown,
  usage: { readonly input?: unknown; readonly output?: unknown },
  { refusal, finish }: { readonly refusal?: unknown; readonly finish?: unknown },
): ChatAnswer {
  const refused = finish === 'content_filter' || (typeof refusal === 'string' && refusal !== '')
  const said = [text, refusal].find(part => typeof part === 'string' && part.trim() !== '') as string | undefined
  if (said === undefined && !refused) {
    throw new AdapterTrainError(
      'PROVIDER_RESPONSE',
      `${nameOf(service)}: the answer holds no text${typeof finish === 'string' ? ` (it ended with "${finish.slice(0, 40)}")` : ''}`,
      { details: { provider: service.provider, model: service.model, retryable: true } },
    )
  }
  return {
    // A gateway may quote the request; the answer goes into the cache.
    text: withoutKey(said ?? '', service.key),
    ...(refused ? { refused } : {}),
    ...(isCount(usage.input) ? { inputTokens: usage.input } : {}),
    ...(isCount(usage.output) ? { outputTokens: usage.output } : {}),
  }
}

function withoutKey(text: string, key: string | undefined): string {
  return key && key.length >= 8 ? text.replaceAll(key, '[redacted]') : text
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

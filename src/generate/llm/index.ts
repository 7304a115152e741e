import { AdapterTrainError } from '../../errors.js'
import { nearest } from '../../nearest.js'
import type { ChatModel, ChatModelFactory, ChatModelOptions } from './chat-model.js'

/** What writes questions, by name; its code loads when it is first asked for. */
const LLMS = {
  openai: () => import('./openai.js').then(module => module.openai),
  cohere: () => import('./cohere.js').then(module => module.cohere),
  none: () => import('./none.js').then(module => module.none),
} satisfies Record<string, () => Promise<ChatModelFactory>>

/** Name of a service that writes questions. */
export type LlmName = keyof typeof LLMS

/** In the order in which help shows them. */
export const LLM_NAMES = Object.keys(LLMS) as readonly LlmName[]

/**
 * Makes what writes questions.
 *
 * @throws PROVIDER_UNKNOWN when there is none of that name
 * @throws PROVIDER_KEY when a key is needed and not set
 * @throws USAGE when the address is none
 */
export async function createChatModel(
  name: LlmName | (string & {}),
  options: ChatModelOptions = {},
): Promise<ChatModel> {
  if (!Object.hasOwn(LLMS, name)) {
    const near = nearest(name, LLM_NAMES)
    const message = `there is no LLM "${name}"; expected one of ${LLM_NAMES.join(', ')}${near ? ` (did you mean ${near}?)` : ''}`
    throw new AdapterTrainError('PROVIDER_UNKNOWN', message)
  }
  const factory = await LLMS[name as LlmName]()
  return factory.create(options)
}

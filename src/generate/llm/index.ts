import { AdapterTrainError } from '../../errors.js'
import { nearest } from '../../words.js'
import type { ChatModel, ChatModelOptions } from './chat-model.js'

/** Makers of chat models by name; a service's code loads on first use. */
const LLMS = {
  openai: async options => (await import('./openai.js')).createOpenAIChat(options),
  cohere: async options => (await import('./cohere.js')).createCohereChat(options),
  // No LLM: the chunk's heading and its most central sentences stand in for questions.
  none: async () => {
    const { extractQueries } = await import('../extract-queries.js')
    return {
      id: 'none',
      price: { input: 0, output: 0 },
      extractive: true,
      tokenRatio: 0,
      complete: async ({ chunk, count }) => ({ text: JSON.stringify(extractQueries(chunk, count)) }),
    }
  },
} satisfies Record<string, (options: ChatModelOptions) => Promise<ChatModel>>

/** Name of a service that writes questions. */
export type LlmName = keyof typeof LLMS

/** Every name, in the order of the help. */
export const LLM_NAMES = Object.keys(LLMS) as readonly LlmName[]

/**
 * Makes the model that writes questions.
 * @throws PROVIDER_UNKNOWN when the name is none of `LLM_NAMES`
 * @throws PROVIDER_KEY when a required key is not set
 * @throws USAGE when the address is not valid
 */
export async function createChatModel(name: LlmName | (string & {}), options: ChatModelOptions = {}): Promise<ChatModel> {
  if (Object.hasOwn(LLMS, name)) return LLMS[name as LlmName](options)
  const near = nearest(name, LLM_NAMES)
  const hint = near ? ` (did you mean ${near}?)` : ''
  const message = `LLM "${name}" is not known; expected one of ${LLM_NAMES.join(', ')}${hint}`
  throw new AdapterTrainError('PROVIDER_UNKNOWN', message)
}

import { extractQueries } from '../extract-queries.js'
import type { ChatModelFactory } from './chat-model.js'

/** No LLM: the chunk's heading and its most telling sentences stand in for questions. */
export const none: ChatModelFactory = {
  name: 'none',
  keyVariables: [],
  create: async () => ({
    id: 'none',
    price: { input: 0, output: 0 },
    extractive: true,
    tokenRatio: 0,
    complete: async ({ chunk, count }) => ({ text: JSON.stringify(extractQueries(chunk, count)) }),
  }),
}

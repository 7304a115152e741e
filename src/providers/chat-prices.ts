/** US dollars for a million tokens. */
export interface ChatPrice {
  readonly input: number
  readonly output: number
}

/** The day for which {@link CHAT_PRICES} was put together. */
export const CHAT_PRICES_DATE = '2026-11-21'

/**
 * Prices at the standard (not batch) rate; a model that is missing has no known price. What a model thinks before it answers is
 * billed as output.
 *
 * @see https://openai.com/api/pricing
 * @see https://cohere.com/pricing
 */
export const CHAT_PRICES: ReadonlyMap<string, ChatPrice> = new Map([
  ['openai/gpt-4o-mini', { input: 0.15, output: 0.6 }],
  ['openai/gpt-4o', { input: 2.5, output: 10 }],
  ['openai/gpt-4.1', { input: 2, output: 8 }],
  ['openai/gpt-4.1-mini', { input: 0.4, output: 1.6 }],
  ['openai/gpt-4.1-nano', { input: 0.1, output: 0.4 }],
  ['openai/gpt-5', { input: 1.25, output: 10 }],
  ['openai/gpt-5-mini', { input: 0.25, output: 2 }],
  ['openai/gpt-5-nano', { input: 0.05, output: 0.4 }],
  ['openai/o4-mini', { input: 1.1, output: 4.4 }],
  ['cohere/command-a-03-2025', { input: 2.5, output: 10 }],
  ['cohere/command-r-plus-08-2024', { input: 2.5, output: 10 }],
  ['cohere/command-r-08-2024', { input: 0.15, output: 0.6 }],
  ['cohere/command-r7b-12-2024', { input: 0.0375, output: 0.15 }],
])

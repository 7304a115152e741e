/** Date of {@link PRICES}, from the services' price lists. */
export const PRICES_DATE = '2026-11-21'

/**
 * US dollars per million input tokens, at the standard (not batch) rate; the price of any other model is not known.
 * @see https://openai.com/api/pricing
 * @see https://cohere.com/pricing
 */
export const PRICES: ReadonlyMap<string, number> = new Map([
  ['openai/text-embedding-3-small', 0.02],
  ['openai/text-embedding-3-large', 0.13],
  ['openai/text-embedding-ada-002', 0.1],
  ['cohere/embed-v4.0', 0.12],
  ['cohere/embed-english-v3.0', 0.1],
  ['cohere/embed-multilingual-v3.0', 0.1],
])

/** Price of a request through a Batch API, as a share of the standard rate. @see https://platform.openai.com/docs/guides/batch */
export const BATCH_PRICE_SHARE = 0.5

/** US dollars per million tokens. */
export interface ChatPrice {
  readonly input: number
  readonly output: number
}

/** Date of {@link CHAT_PRICES}. */
export const CHAT_PRICES_DATE = '2026-11-21'

/**
 * Prices at the standard (not batch) rate; the price of any other model is not known. Reasoning is billed as output.
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

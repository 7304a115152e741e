/** The day on which {@link PRICES} was taken from the services' price lists. */
export const PRICES_DATE = '2026-11-21'

/**
 * US dollars for a million input tokens, at the standard (not batch) rate; a model that is missing has no known price.
 *
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

/** Share of the standard rate that a request through a Batch API costs. @see https://platform.openai.com/docs/guides/batch */
export const BATCH_PRICE_SHARE = 0.5

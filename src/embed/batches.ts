import type { ProviderLimits } from '../providers/provider.js'

/**
 * Groups texts into requests, longest texts first: texts of like length share a batch, which keeps a local model's padding
 * small, and a batch that is too large for the memory fails at once instead of hours later.
 *
 * @param tokens tokens of each text; equal counts keep their order, so equal input gives equal batches
 * @returns for each request the indices of its texts; a text above `maxRequestTokens` gets a request of its own
 */
export function planBatches(
  tokens: readonly number[],
  limits: Pick<ProviderLimits, 'maxInputs' | 'maxRequestTokens'>,
): number[][] {
  const { maxInputs, maxRequestTokens = Number.POSITIVE_INFINITY } = limits
  const longestFirst = tokens.map((_, i) => i).sort((a, b) => tokens[b] - tokens[a] || a - b)
  const batches: number[][] = []
  let batch: number[] = []
  let batchTokens = 0
  for (const i of longestFirst) {
    if (batch.length > 0 && (batch.length >= maxInputs || batchTokens + tokens[i] > maxRequestTokens)) {
      batches.push(batch)
      batch = []
      batchTokens = 0
    }
    batch.push(i)
    batchTokens += tokens[i]
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}

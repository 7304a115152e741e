import { AdapterTrainError } from '../errors.js'
import type { ProviderOptions } from './provider.js'

const COUNTS = ['dimensions', 'timeoutMs', 'maxInputTokens', 'maxInputs', 'concurrency'] as const

/**
 * Checks the options that are numbers, once, at the door.
 *
 * @throws USAGE when a count is not a positive integer or the price is not a number of at least 0
 */
export function checkOptions(provider: string, options: ProviderOptions): void {
  for (const name of COUNTS) {
    const value = options[name]
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new AdapterTrainError('USAGE', `${provider}: expected "${name}" to be a positive integer, found ${value}`)
    }
  }
  const { price } = options
  if (price !== undefined && !(Number.isFinite(price) && price >= 0)) {
    throw new AdapterTrainError(
      'USAGE',
      `${provider}: expected "price" to be US dollars for a million tokens, 0 or more, found ${price}`,
    )
  }
}

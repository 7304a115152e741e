import { AdapterTrainError } from '../../errors.js'

/** How far shares may be from 1 in sum, for numbers such as 0.333. */
const TOLERANCE = 0.005

/**
 * Reads shares such as `0.8,0.1,0.1`: training, validation and test, of which the latter may be left out.
 *
 * @throws USAGE when they are no numbers from 0 to 1, or their sum is not 1
 */
export function splitShares(value: unknown): { readonly validation: number; readonly test: number } {
  const shares = String(value)
    .split(',')
    .map(part => (part.trim() === '' ? Number.NaN : Number(part)))
  const sum = shares.reduce((a, b) => a + b, 0)
  if (shares.length > 3 || shares[0] === 0 || shares.some(share => !(share >= 0)) || Math.abs(sum - 1) > TOLERANCE) {
    throw new AdapterTrainError(
      'USAGE',
      `--split must be shares for training, validation and test that sum to 1, such as 0.8,0.1,0.1, or 1 for training alone; found "${value}"`,
    )
  }
  const [, validation = 0, test = 0] = shares
  return { validation, test }
}

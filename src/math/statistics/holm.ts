/** The p below which two systems count as told apart. */
export const SIGNIFICANCE = 0.05

/**
 * Adjusts the p-values of several tests made at once, so that those below 0.05 hold together with an error of at most 5 %,
 * however the tests depend on one another: Holm's step-down correction.
 *
 * Of m values the i-th smallest becomes the largest of (m - j + 1) p_j over j <= i, at most 1.
 *
 * @returns adjusted p-values in the order of the argument
 * @see Holm, A simple sequentially rejective multiple test procedure, 1979
 */
export function holm(pValues: readonly number[]): number[] {
  const bad = pValues.find(p => !(p >= 0 && p <= 1))
  if (bad !== undefined) throw new RangeError(`expected p-values from 0 to 1, found ${bad}`)
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b])
  const adjusted = new Array<number>(pValues.length)
  let largest = 0
  order.forEach((i, smaller) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - smaller) * pValues[i]))
    adjusted[i] = largest
  })
  return adjusted
}

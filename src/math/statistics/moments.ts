/** Arithmetic mean; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum / values.length
}

/** sqrt(sum (x - mean)^2 / n): the spread of exactly these values (NumPy's `std`); NaN of nothing. */
export function populationStandardDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(squaredDeviations(values) / values.length)
}

/** sqrt(sum (x - mean)^2 / (n - 1)): estimates the spread that the values were drawn from; NaN of fewer than two. */
export function sampleStandardDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(squaredDeviations(values) / Math.max(0, values.length - 1))
}

/** Standard error of the mean: sample standard deviation / sqrt(n); NaN of fewer than two values. */
export function standardError(values: ArrayLike<number>): number {
  return sampleStandardDeviation(values) / Math.sqrt(values.length)
}

// Two passes: the one-pass formula cancels if the spread is small compared with the mean.
function squaredDeviations(values: ArrayLike<number>): number {
  const center = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] - center) ** 2
  return sum
}

/** p-value below which a difference is statistically significant. */
export const SIGNIFICANCE = 0.05

/**
 * Adjusts the p-values of several tests by Holm's step-down correction, so that those below 0.05 hold together with an
 * error of at most 5%, however the tests depend on one another.
 *
 * Of m values the i-th smallest becomes the largest of (m - j + 1) p_j over j <= i, at most 1.
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

/**
 * The value below which a share q of the values lies, with linear interpolation between neighbours: NumPy's default.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.quantile.html
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) throw new RangeError('expected at least one value, found none')
  if (!(q >= 0 && q <= 1)) throw new RangeError(`expected a share from 0 to 1, found ${q}`)
  const at = q * (sorted.length - 1)
  const below = Math.floor(at)
  const t = at - below
  const a = sorted[below]
  const b = sorted[Math.min(below + 1, sorted.length - 1)]
  // From the nearer neighbour, so that rounding never leaves [a, b].
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t)
}

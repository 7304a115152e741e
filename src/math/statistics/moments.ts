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

/** Two passes: the one-pass formula cancels where the spread is small beside the mean. */
function squaredDeviations(values: ArrayLike<number>): number {
  const center = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] - center) ** 2
  return sum
}

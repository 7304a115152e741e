/**
 * The value below which a share q of the values lies, with linear interpolation between neighbours: NumPy's default.
 *
 * @param sorted ascending, at least one
 * @param q from 0 to 1
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

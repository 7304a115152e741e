import { quantile } from '../dist/math/statistics/moments.js'

/** @param {readonly number[]} values */
export const median = values => share(values, 0.5)

/**
 * The value that a share q of the values does not exceed.
 * @param {readonly number[]} values
 * @param {number} q
 */
export const share = (values, q) => quantile(Float64Array.from(values).sort(), q)

/**
 * How many times as long `slow` took as `fast`: the median over the rounds in which both were measured, one right after the
 * other, so that a machine that slows down for a while slows both.
 *
 * @param {readonly number[]} slow
 * @param {readonly number[]} fast
 */
export const timesAsLong = (slow, fast) => median(slow.slice(0, fast.length).map((time, round) => time / fast[round]))

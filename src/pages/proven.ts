import { realityCheck } from '../math/statistics/bootstrap.js'
import { mean } from '../math/statistics/moments.js'
import { powerOf, powerText } from '../train/gate.js'
import { RECIPE } from '../train/recipe.js'
import { signed } from '../words.js'

/** Says by the gate's test how large a gain of nDCG@10 labels could prove, and how many more would do. */
export function provenText(gains: readonly number[], labelled: number, seed: number): string {
  const queries = `${labelled} ${labelled === 1 ? 'query has' : 'queries have'} a relevant document`
  const delta = Float64Array.from(gains)
  const { p, provable } = realityCheck([delta], RECIPE.gateP, { seed, samples: RECIPE.gateSamples })
  if (provable === undefined)
    return `${queries}. The page says how large a gain they prove when an adapter has changed the ranking of a few.`
  const gain = mean(delta)
  const power = powerOf(delta, gain, provable)
  if (p < RECIPE.gateP)
    return `${queries}. They prove a gain of ${signed(gain)} nDCG@10; ${powerText(delta.length, { provable })}.`
  return `${queries}. The gain so far is ${signed(gain)} nDCG@10, not significant: ${powerText(delta.length, power)}.`
}

import type { GateResult } from '../train/gate.js'
import type { Material } from './material.js'
import type { Proof } from './proof.js'

/** What a careful reader of a training report should know. */
export function warningsFor(
  material: Material,
  decision: GateResult | undefined,
  bestEpoch: number,
  proof: Proof | undefined,
  metric: string,
): string[] {
  const warnings: string[] = []
  if (decision && !decision.passed) warnings.push(decision.reason)
  if (bestEpoch === 0) {
    warnings.push(
      'no epoch was better than the base on the validation set: the adapter is the identity and changes nothing',
    )
  }
  const test = material.test && proof?.difference[metric]
  if (test && test.high < 0) {
    warnings.push(
      `on the test set the adapter LOSES ${metric}: ${test.mean.toFixed(4)} (95 % interval ${test.low.toFixed(4)} to ${test.high.toFixed(4)}); the test set decides nothing, but think before you ship it`,
    )
  }
  if (!material.test && material.validation) {
    warnings.push(
      'there is no test set: the figures are of the validation set, which took part in the choice, and may be flattering',
    )
  }
  if (!material.test && !material.validation) {
    warnings.push(
      'there is neither a validation nor a test set: nothing but the out-of-fold gain of --tune auto shows whether the adapter helps',
    )
  }
  return warnings
}

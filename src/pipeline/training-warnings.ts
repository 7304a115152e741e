import type { GateResult } from '../train/gate.js'
import type { EmbeddedParts } from './embedded-parts.js'
import type { Proof } from './proof.js'

/** What a careful reader of a training report should know. */
export function warningsFor(
  embedded: EmbeddedParts,
  decision: GateResult | undefined,
  bestEpoch: number,
  { proof, outOfFold }: { readonly proof?: Proof; readonly outOfFold?: Proof },
  metric: string,
): string[] {
  const warnings: string[] = []
  if (decision && !decision.passed) warnings.push(decision.reason)
  if (bestEpoch === 0) {
    warnings.push(
      'no epoch was better than the base on the validation set: the adapter is the identity and changes nothing',
    )
  }
  const losses = [
    [
      embedded.test && proof,
      'on the test set the adapter LOSES',
      'the test set decides nothing, but think before you ship it',
    ],
    [outOfFold, 'out of fold the procedure LOSES', 'the folds decide nothing, but think before you ship it'],
  ] as const
  for (const [measured, what, advice] of losses) {
    const d = measured?.difference[metric]
    if (!d || d.high >= 0) continue
    const change = `${d.mean.toFixed(4)} (95 % interval ${d.low.toFixed(4)} to ${d.high.toFixed(4)})`
    warnings.push(`${what} ${metric}: ${change}; ${advice}`)
  }
  if (outOfFold) return warnings
  if (!embedded.test && embedded.validation) {
    warnings.push(
      'there is no test set: the figures are of the validation set, which took part in the choice, and may be flattering',
    )
  }
  if (!embedded.test && !embedded.validation) {
    warnings.push(
      'there is neither a validation nor a test set: nothing but the out-of-fold gain of --tune auto shows whether the adapter helps',
    )
  }
  return warnings
}

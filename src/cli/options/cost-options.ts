import type { EmbeddingEstimate } from '../../embed/estimate.js'
import { usageError } from '../../errors.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { type ArgsOf, flag, number } from './rows.js'

export const costOptions = {
  estimate: flag('checks and the cost of what is missing only; nothing is sent'),
  'max-cost': number('maximum US dollars for embeddings, checked before the first request', { min: 0 }),
}

export type CostArgs = ArgsOf<typeof costOptions>
/** What is planned to be sent: the cost is absent if the price is not known. */
export type Planned = Pick<EmbeddingEstimate, 'missing' | 'cost'>

/** Makes a check of plans, whose costs add up, against `--max-cost`. */
export function costLimit(maxCost: number | undefined) {
  let planned = 0
  return ({ id, isLocal }: Pick<EmbeddingProvider, 'id' | 'isLocal'>, { missing, cost }: Planned): void => {
    if (maxCost === undefined || missing === 0 || isLocal) return
    planned += cost ?? 0
    if (cost !== undefined && planned <= maxCost) return
    const problem =
      cost === undefined
        ? `the price of ${id} is not known, so a limit of $${maxCost} cannot be kept. Give it with --price`
        : `expected at most $${maxCost}, found an estimate of $${planned.toFixed(4)}. Raise it, or embed less`
    throw usageError(`--max-cost: ${problem}. Nothing was sent`, { details: { cost: planned, maxCost } })
  }
}

/** Ends a run of `--estimate` at its plan, which would be sent next. */
export class Estimated extends Error {
  readonly plan: EmbeddingEstimate & { readonly base: string }

  constructor(base: string, estimate: EmbeddingEstimate) {
    super('estimated')
    this.plan = { base, ...estimate }
  }
}

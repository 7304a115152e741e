import { closedForm } from '../../adapters/closed-forms/index.js'
import { trainedKind } from '../../adapters/index.js'
import type { NegativesName } from '../../losses/index.js'
import { RECIPE } from '../recipe.js'
import type { TrainerOptions } from '../trainer.js'

/** One point of the search. */
export interface Candidate {
  readonly negatives: NegativesName
  /** Inverse temperature in units of tau0. */
  readonly multiple: number
  /** Strength c of the pull to the identity. */
  readonly pull: number
  /** Whether pseudo-queries are trained on too; absent for no. */
  readonly pseudo?: true
}

/** Options that the user has set and the search must leave alone. */
export interface FixedOptions {
  readonly kind?: string
  readonly size?: number
  readonly negatives?: NegativesName
  readonly maxNegatives?: number
  readonly hardNegatives?: number
  readonly hardMargin?: number
  readonly mineEvery?: number
  /** The inverse temperature itself. */
  readonly scale?: number
  readonly pull?: number
  readonly epochs?: number
  readonly batchSize?: number
  readonly learningRate?: number
  readonly schedule?: TrainerOptions['schedule']
  readonly warmup?: number
  readonly weightDecay?: number
  readonly maxGradNorm?: number
}

/** Training options of a candidate, for so many training queries. */
export function trainerOptions(
  candidate: Candidate,
  tau0: number,
  queries: number,
  seed: number,
  fixed: FixedOptions = {},
): TrainerOptions {
  const name = fixed.kind ?? 'linear'
  const closed = closedForm(name)
  const kind = trainedKind(name)
  return {
    kind,
    closed,
    size: kind.name === name ? fixed.size : undefined,
    negatives: candidate.negatives,
    maxNegatives: fixed.maxNegatives,
    hardNegatives: fixed.hardNegatives,
    hardMargin: fixed.hardMargin,
    mineEvery: fixed.mineEvery,
    scale: fixed.scale ?? tau0 * candidate.multiple,
    pull: candidate.pull,
    epochs: fixed.epochs ?? RECIPE.epochs(queries),
    batchSize: fixed.batchSize ?? RECIPE.batchSize(queries),
    learningRate: fixed.learningRate ?? RECIPE.learningRate,
    schedule: fixed.schedule ?? RECIPE.schedule,
    warmup: fixed.warmup ?? RECIPE.warmup,
    weightDecay: fixed.weightDecay ?? RECIPE.weightDecay,
    maxGradNorm: fixed.maxGradNorm ?? RECIPE.maxGradNorm,
    seed,
  }
}

import { AdapterTrainError } from '../errors.js'
import { NEGATIVES } from '../losses/index.js'
import type { TrainOptions } from './train-adapter.js'

interface Range {
  readonly expected: string
  readonly holds: (value: number) => boolean
}

const atLeast = (least: number): Range => ({
  expected: `an integer of at least ${least}`,
  holds: value => Number.isSafeInteger(value) && value >= least,
})
const positive: Range = { expected: 'a number above 0', holds: value => value > 0 && value < Number.POSITIVE_INFINITY }
const notNegative: Range = { expected: 'a number of at least 0', holds: value => value >= 0 }

const RANGES = {
  epochs: atLeast(1),
  batchSize: atLeast(1),
  learningRate: positive,
  warmup: { expected: 'a share from 0 to 1', holds: value => value >= 0 && value <= 1 },
  scale: positive,
  weightDecay: notNegative,
  maxGradNorm: notNegative,
  seed: { expected: 'an integer', holds: Number.isSafeInteger },
  patience: atLeast(0),
  memory: positive,
  hardNegatives: atLeast(1),
  hardMargin: notNegative,
  mineEvery: atLeast(1),
} satisfies Partial<Record<keyof TrainOptions, Range>>

/** @throws USAGE when an option that is given has no meaning, naming it */
export function checkTrainOptions(options: TrainOptions): void {
  for (const [name, { expected, holds }] of Object.entries<Range>(RANGES)) {
    const value: unknown = options[name as keyof TrainOptions]
    if (value === undefined || (typeof value === 'number' && holds(value))) continue
    throw new AdapterTrainError('USAGE', `expected the training option "${name}" to be ${expected}, got ${value}`)
  }
  const { negatives } = options
  if (negatives !== undefined && !Object.hasOwn(NEGATIVES, negatives)) {
    const names = Object.keys(NEGATIVES).join(', ')
    throw new AdapterTrainError('USAGE', `expected the training option "negatives" to be ${names}, got "${negatives}"`)
  }
}

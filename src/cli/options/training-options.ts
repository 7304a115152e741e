import type { Options } from 'yargs'
import { closedForm } from '../../adapters/closed-forms/index.js'
import { ADAPTER_KIND_NAMES, adapterMap } from '../../adapters/index.js'
import { ENGINE_CHOICES } from '../../engines/index.js'
import { HARD_DEFAULTS } from '../../losses/hard.js'
import { NEGATIVES } from '../../losses/index.js'
import { MAX_NEGATIVES } from '../../losses/pooled.js'
import { TRAIN_DEFAULTS } from '../../train/defaults.js'
import { RECIPE } from '../../train/recipe.js'
import { SCHEDULES } from '../../train/schedule.js'
import type { TrainOptions } from '../../train/train-adapter.js'
import { integer, number, text } from './checks.js'
import { memoryOption } from './dataset-options.js'

const group = 'Training:'
const D = TRAIN_DEFAULTS

/** What the size of each kind with one is, such as "rank of low-rank". */
const sizes = ADAPTER_KIND_NAMES.flatMap(name => {
  const size = closedForm(name) ? undefined : adapterMap(name).size
  return size ? [`${size.name} of ${name}`] : []
})

/** Options of `train` that say what is trained, and how. */
export const trainingOptions = {
  kind: { group, choices: ADAPTER_KIND_NAMES, default: D.kind, describe: 'adapter kind' },
  negatives: {
    group,
    choices: Object.keys(NEGATIVES),
    describe: `what a positive is told apart from (default: chosen; ${D.negatives} with --tune off)`,
  },
  epochs: {
    group,
    type: 'number',
    coerce: integer('epochs', 1),
    describe: `passes over the training pairs (default: by data size; ${D.epochs} with --tune off)`,
  },
  'batch-size': {
    group,
    type: 'number',
    coerce: integer('batch-size', 1),
    describe: `pairs in a step (default: by data size; ${D.batchSize} with --tune off)`,
  },
  'learning-rate': {
    group,
    alias: 'lr',
    type: 'number',
    coerce: number('learning-rate', { min: 0, exclusive: true }),
    describe: `peak learning rate (default: ${RECIPE.learningRate}; ${D.learningRate} with --tune off)`,
  },
  warmup: {
    group,
    type: 'number',
    coerce: number('warmup', { min: 0, max: 1 }),
    describe: `share of the steps in which the learning rate rises (default: ${RECIPE.warmup}; ${D.warmup} with --tune off)`,
  },
  scale: {
    group,
    type: 'number',
    coerce: number('scale', { min: 0, exclusive: true }),
    describe: `factor of the cosine, the inverse temperature (default: chosen; ${D.scale} with --tune off)`,
  },
  'weight-decay': {
    group,
    type: 'number',
    coerce: number('weight-decay', { min: 0 }),
    describe: `decay toward the identity (default: ${RECIPE.weightDecay}; ${D.weightDecay} with --tune off)`,
  },
  'max-grad-norm': {
    group,
    type: 'number',
    coerce: number('max-grad-norm', { min: 0 }),
    describe: `largest gradient norm; 0 for no clipping (default: ${RECIPE.maxGradNorm}; ${D.maxGradNorm} with --tune off)`,
  },
  metric: {
    group,
    type: 'string',
    coerce: text('metric'),
    default: D.metric,
    describe: 'metric by which options and epochs are chosen and the gate decides',
  },
  patience: {
    group,
    type: 'number',
    coerce: integer('patience', 0),
    default: D.patience,
    describe: 'with --tune off: epochs without a gain before training stops; 0 for never',
  },
  seed: {
    group,
    type: 'number',
    coerce: integer('seed', 0),
    default: D.seed,
    describe: 'seed of every random choice',
  },
  pull: {
    group,
    type: 'number',
    coerce: number('pull', { min: 0 }),
    describe: `strength c of the pull to the identity (default: chosen; ${D.pull} with --tune off)`,
  },
  'max-negatives': {
    group,
    type: 'number',
    coerce: integer('max-negatives', 1),
    describe: `documents in a pool of negatives before it is sampled (default: ${MAX_NEGATIVES})`,
  },
  'hard-negatives': {
    group,
    type: 'number',
    coerce: integer('hard-negatives', 1),
    describe: `with --negatives hard: mined documents of a query (default: ${HARD_DEFAULTS.hardNegatives})`,
  },
  'hard-margin': {
    group,
    type: 'number',
    coerce: number('hard-margin', { min: 0 }),
    describe: `with --negatives hard: share of its positive's cosine by which a mined document stays below it (default: ${HARD_DEFAULTS.hardMargin})`,
  },
  schedule: {
    group,
    choices: Object.keys(SCHEDULES),
    describe: `fall of the learning rate (default: ${RECIPE.schedule}; ${D.schedule} with --tune off)`,
  },
  size: {
    group,
    type: 'number',
    coerce: integer('size', 1),
    describe: `the kind's own size, at most: ${sizes.join(', ')}`,
  },
  'dimensions-out': {
    group,
    type: 'number',
    coerce: integer('dimensions-out', 1),
    describe: 'first dimensions of each document that the index stores, where it does not store all',
  },
  engine: { group, choices: ENGINE_CHOICES, default: D.engine, describe: 'what computes' },
  memory: { group, ...memoryOption },
} as const satisfies Record<string, Options>

/** What yargs makes of {@link trainingOptions}. */
export interface TrainingArgs extends Chosen, Required<Pick<TrainOptions, 'kind' | 'metric' | 'patience' | 'seed'>> {
  readonly dimensionsOut?: number
  readonly engine: string
  readonly memory?: string
}

/** Options that are chosen, or stand in the recipe, where they are not given. */
type Chosen = Pick<
  TrainOptions,
  | 'negatives'
  | 'maxNegatives'
  | 'hardNegatives'
  | 'hardMargin'
  | 'epochs'
  | 'batchSize'
  | 'learningRate'
  | 'schedule'
  | 'warmup'
  | 'scale'
  | 'weightDecay'
  | 'maxGradNorm'
  | 'pull'
  | 'size'
>

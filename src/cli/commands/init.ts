import { TRIAL } from '../../pipeline/defaults.js'
import { type Command, outputOptions } from '../command.js'
import { providerOptions } from '../options/provider-options.js'
import { type ArgsOf, choice, file, flag, inGroup, integer, toggle } from '../options/rows.js'

/** Aim of a user, and the options of `train` that go with it. */
export interface Goal {
  /** In the user's words, for the question and the comment in the file. */
  readonly title: string
  readonly kind?: string
  /** True if the whole procedure is cross-validated over all labelled queries. */
  readonly crossValidated?: true
  readonly report?: true
  /** True if the index stores only the first dimensions of each document. */
  readonly truncated?: true
}

/** Goals in the order in which they are offered; the first is the default. */
export const GOALS = {
  quality: { title: 'the best ranking that the data allows' },
  small: { title: 'a small adapter file and fast queries', kind: 'low-rank' },
  truncated: { title: 'an index that stores only the first dimensions of each document', truncated: true },
  prove: { title: 'find out if an adapter would help at all', crossValidated: true, report: true },
} as const satisfies Record<string, Goal>

export type GoalName = keyof typeof GOALS

export const GOAL_NAMES = Object.keys(GOALS) as readonly GoalName[]

const options = {
  ...inGroup('Data', {
    data: file('training set (any format), CSV or JSON with columns of other names, or documents'),
    val: file('validation set (default: found beside the data)'),
    test: file('test set (default: found beside the data)'),
    sample: flag('sample data of the package'),
  }),
  ...providerOptions,
  ...inGroup('Goal', {
    goal: choice(GOAL_NAMES, 'what matters most'),
    'dimensions-out': integer('with --goal truncated: first dimensions of each document that the index stores', { min: 1 }),
  }),
  ...inGroup('Checks', {
    trial: toggle(
      `trial on at most ${TRIAL.queries} queries and ${TRIAL.documents} documents (default: asked; without questions only if nothing is sent or downloaded)`,
    ),
    check: flag('test of key and model with one short text'),
  }),
  yes: { ...flag('no questions; defaults for everything not given'), alias: 'y' },
  force: flag('existing file replaced'),
  out: file('config file to write, .yaml or .yml', { alias: 'o', default: 'adapter-train.yaml' }),
  ...outputOptions,
}

export type InitArgs = ArgsOf<typeof options>

export const initCommand: Command = {
  form: 'init',
  group: 'Get data',
  describe: 'Check your data, run a small trial and write a config file',
  options,
  examples: [
    ['init', 'asks; an empty answer takes the default in brackets'],
    ['init --sample --base hashing --goal quality', 'the sample data, no key and no download'],
    ['init --data train.json --base openai --goal prove --trial', 'sends a small sample to OpenAI'],
    ['init --data docs/ --yes', 'what to do with documents that have no queries yet'],
  ],
}

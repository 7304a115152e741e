import { TRIAL } from '../../pipeline/trial-size.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { GOAL_NAMES, type GoalName } from '../init/goals.js'
import { integer, text } from '../options/checks.js'
import { type ProviderArgs, providerOptions } from '../options/provider-options.js'

const data = 'Data:'
const goal = 'Goal:'
const checks = 'Checks:'

/** Default of `--out`. */
const CONFIG_FILE = 'adapter-train.yaml'

const options = defineOptions({
  data: {
    group: data,
    type: 'string',
    coerce: text('data'),
    describe: 'training set (any format), a CSV or JSON file with columns of other names, or documents',
  },
  val: {
    group: data,
    type: 'string',
    coerce: text('val'),
    describe: 'validation set (default: found beside the data)',
  },
  test: { group: data, type: 'string', coerce: text('test'), describe: 'test set (default: found beside the data)' },
  sample: { group: data, type: 'boolean', default: false, describe: 'use the sample data that comes with the package' },
  ...providerOptions,
  goal: { group: goal, choices: GOAL_NAMES, describe: 'what matters most' },
  'dimensions-out': {
    group: goal,
    type: 'number',
    coerce: integer('dimensions-out', 1),
    describe: 'with --goal truncated: first dimensions of each document that the index stores',
  },
  trial: {
    group: checks,
    type: 'boolean',
    describe: `try at most ${TRIAL.queries} queries and ${TRIAL.documents} documents (default: asked; without questions only where nothing is sent or fetched)`,
  },
  check: {
    group: checks,
    type: 'boolean',
    default: false,
    describe: 'embed one short text, to see whether key and model work',
  },
  yes: {
    type: 'boolean',
    alias: 'y',
    default: false,
    describe: 'ask nothing: take the defaults for what is not given',
  },
  force: { type: 'boolean', default: false, describe: 'replace a file that is there' },
  out: {
    type: 'string',
    alias: 'o',
    coerce: text('out'),
    default: CONFIG_FILE,
    describe: 'file of options to write, .yaml or .yml',
  },
  ...outputOptions,
})

export interface InitArgs extends ProviderArgs, OutputArgs {
  readonly data?: string
  readonly val?: string
  readonly test?: string
  readonly sample: boolean
  readonly goal?: GoalName
  readonly dimensionsOut?: number
  readonly trial?: boolean
  readonly check: boolean
  readonly yes: boolean
  readonly force: boolean
  readonly out: string
}

/** `adapter-train init` */
export const initCommand: Command<InitArgs> = {
  form: 'init',
  group: 'Get data',
  describe:
    'ask for data, base and goal, check them, run a small trial, and write a commented file of options for train',
  options,
  examples: [
    ['init', 'asks; an empty answer takes the default in brackets'],
    ['init --sample --base hashing --goal quality', 'the sample data, no key and no download'],
    ['init --data train.json --base openai --goal prove --trial', 'sends a small sample to OpenAI'],
    ['init --data docs/ --yes', 'what to do with documents that have no queries yet'],
  ],
  async run(args) {
    const { init } = await import('../actions/init.js')
    return init(args)
  },
}

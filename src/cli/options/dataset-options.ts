import type { Options } from 'yargs'
import { DATASET_FORMATS, type DatasetFormatName } from '../../dataset/formats/index.js'
import { text } from './checks.js'

const group = 'Data:'

/** Options of every command that reads data sets. */
export const datasetOptions = {
  format: {
    group,
    choices: DATASET_FORMATS.map(format => format.name),
    describe: 'format of the data (default: recognised by its content)',
  },
  'skip-invalid': {
    group,
    type: 'boolean',
    default: false,
    describe: 'leave invalid entries out and list them, instead of stopping',
  },
} as const satisfies Record<string, Options>

export interface DatasetArgs {
  readonly format?: DatasetFormatName
  readonly skipInvalid: boolean
}

/** Option of the commands that read data sets as they are; `train` has several, so there a qrels file is named. */
export const splitOption = {
  split: { group, type: 'string', coerce: text('split'), describe: 'split of a BEIR folder, such as test' },
} as const satisfies Record<string, Options>

/** Option of the commands that hold all vectors. */
export const memoryOption = {
  type: 'string',
  coerce: text('memory'),
  describe:
    'what vectors may take, such as 4GB; more are read from files, batch by batch (default: half of the memory)',
} as const satisfies Options

export interface SplitArgs {
  readonly split?: string
}

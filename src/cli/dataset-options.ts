import type { Options } from 'yargs'
import { DATASET_FORMATS, type DatasetFormatName } from '../dataset/formats/index.js'

const group = 'Data:'

/** Options of every command that reads a data set. */
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

import { DATASET_FORMATS } from '../../dataset/formats/index.js'
import { DATASET_WRITERS } from '../../dataset/writers/index.js'
import { parseBytes } from '../../memory-limit.js'
import { SPLIT_DEFAULTS } from '../../pipeline/defaults.js'
import { splitShares } from './data-files.js'
import { type ArgsOf, choice, file, flag, inGroup, name, text } from './rows.js'

export const datasetOptions = inGroup('Data', {
  format: choice(
    DATASET_FORMATS.map(format => format.name),
    'format of the data (default: recognised by its content)',
  ),
  'skip-invalid': flag('invalid entries left out and listed, instead of an error'),
})

/** Option of the commands that read datasets as they are; `train` has several, so there a qrels file is named. */
export const splitOption = inGroup('Data', { split: name('split of a BEIR folder, such as test') })

export const splitByOption = choice(
  ['query', 'document', 'time'],
  'what stays together when splitting; time holds out the latest of a search log',
  { default: SPLIT_DEFAULTS.splitBy },
)

/** Options of the commands that write datasets. `format`: its help. `of`: what is shared out. */
export const writerOptions = (format: string, of: string) => ({
  format: choice(
    DATASET_WRITERS.map(writer => writer.name),
    format,
    { default: DATASET_WRITERS[0].name },
  ),
  split: text(`shares of the ${of} for training, validation and test; 1 for training alone`, {
    placeholder: 'N,N,N',
    coerce: splitShares,
    default: '0.8,0.1,0.1',
  }),
})

export const memoryOption = text('memory limit for vectors, such as 4GB; more are read in batches (default: half)', {
  placeholder: 'SIZE',
  coerce: parseBytes,
})

export const reportOption = file('report: .html, one page with charts, or .md, for pull requests')

export type DatasetArgs = ArgsOf<typeof datasetOptions>

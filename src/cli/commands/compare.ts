import { ENGINE_CHOICES } from '../../engines/index.js'
import { COMPARE_METRICS } from '../../pipeline/defaults.js'
import { TRAIN_DEFAULTS } from '../../train/options.js'
import { type Command, outputOptions } from '../command.js'
import { CANDIDATE_FORM } from '../options/candidates.js'
import { costOptions } from '../options/cost-options.js'
import { datasetOptions, memoryOption, reportOption, splitOption } from '../options/dataset-options.js'
import { indexOptions } from '../options/index-options.js'
import { providerOptions } from '../options/provider-options.js'
import { type ArgsOf, choice, file, flag, inGroup, integer, list, name, toggle, words } from '../options/rows.js'

const { concurrency, timeout, retries, 'skip-refused': skipRefused, cache } = providerOptions

const options = {
  ...inGroup('Candidates', {
    candidate: words(`${CANDIDATE_FORM}, any number of them`),
    run: words('NAME=FILE, a TREC run of any system on the same queries, any number of them'),
    candidates: file('YAML or JSON list of candidates, each with any option of its provider'),
    'allow-mismatch': flag("evaluation even if a base is not the adapter's"),
  }),
  ...inGroup('Data', { data: file('dataset to compare on; not needed if all candidates are folders of vectors') }),
  ...indexOptions,
  ...datasetOptions,
  ...splitOption,
  concurrency,
  timeout,
  retries,
  'skip-refused': skipRefused,
  cache,
  metrics: list('metrics as name@k, separated by blanks or commas', { default: COMPARE_METRICS }),
  metric: name(`metric of the order and the tests (default: ${TRAIN_DEFAULTS.metric}, or the first of --metrics)`),
  timing: toggle(
    'timing of network providers too, with a few queries past the cache; --no-timing for none (default: only what runs in this process)',
  ),
  ...costOptions,
  seed: integer('seed of the resampling', { min: 0, default: TRAIN_DEFAULTS.seed }),
  engine: choice(ENGINE_CHOICES, 'compute engine', { default: 'auto' }),
  memory: memoryOption,
  report: reportOption,
  ...outputOptions,
}

export type CompareArgs = ArgsOf<typeof options>

export const compareCommand: Command = {
  form: 'compare',
  group: 'Evaluate',
  describe: 'Compare base models, adapters and vectors on the same queries',
  options,
  examples: [
    [
      'compare --data test.json --candidate sbert --candidate openai --candidate adapters/x.json',
      'two bases, one of them with an adapter too',
    ],
    ['compare --data test.json --candidates models.yaml', 'candidates from a file'],
    ['compare --candidate vectors:a --candidate vectors:b', 'vectors of your own'],
  ],
}

import { type Command, outputOptions } from '../command.js'
import { costOptions } from '../options/cost-options.js'
import { adapterBaseOptions } from '../options/provider-options.js'
import { type ArgsOf, file, flag, number } from '../options/rows.js'

const options = {
  ...adapterBaseOptions,
  adapter: file('adapter with the training queries to compare with', { demandOption: true }),
  queries: file('current queries: a log (with count for repeated ones), a dataset in any format, or one query per line', {
    demandOption: true,
  }),
  'max-unfamiliar': number('share of unfamiliar queries above which the exit code is 4', { min: 0, max: 1 }),
  'allow-mismatch': flag("the share even if the provider is not the adapter's base"),
  ...costOptions,
  ...outputOptions,
}

export type DriftArgs = ArgsOf<typeof options>

export const driftCommand: Command = {
  form: 'drift',
  group: 'Use',
  describe: 'Report the share of queries unlike those an adapter was trained on',
  options,
  examples: [
    ['drift --adapter adapters/x.json --queries log.jsonl', 'the share now, against training'],
    ['drift --adapter adapters/x.json --queries log.jsonl --max-unfamiliar 0.15', 'a check for a nightly job'],
  ],
}

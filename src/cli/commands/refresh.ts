import { type Command, outputOptions } from '../command.js'
import { indexOptions } from '../options/index-options.js'
import { adapterBaseOptions } from '../options/provider-options.js'
import { type ArgsOf, file, flag } from '../options/rows.js'

const positionals = { adapter: file('adapter file with text terms', { demandOption: true }) }

const options = {
  ...adapterBaseOptions,
  corpus: file('current documents (id and text in any format, or a dataset)'),
  ...indexOptions,
  out: file('adapter file to write (default: the one that was read)', { alias: 'o' }),
  'allow-mismatch': flag("documents embedded even if the provider is not the adapter's base"),
  ...outputOptions,
}

export type RefreshArgs = ArgsOf<typeof positionals & typeof options>

export const refreshCommand: Command = {
  form: 'refresh <adapter>',
  group: 'Train',
  describe: "Rebuild an adapter's text terms from the current documents",
  positionals,
  options,
  examples: [
    ['refresh adapters/x.json --corpus corpus.jsonl', 'after documents were added; no labels are needed'],
    ['refresh adapters/x.json --index lancedb:///srv/lance#docs', 'the documents of an index; nothing is embedded'],
    ['refresh adapters/x.json --corpus corpus.jsonl --json', 'for a job that runs every night'],
  ],
}

import { type Command, outputOptions } from '../command.js'
import { cacheOption } from '../options/provider-options.js'
import { type ArgsOf, choice, flag, number, text } from '../options/rows.js'

const positionals = {
  action: choice(['stats', 'verify', 'prune'], 'stats: what it holds; verify: check every vector; prune: delete vectors', {
    demandOption: true,
  }),
}

const options = {
  cache: { ...cacheOption, describe: 'SQLite embedding cache' },
  repair: flag('verify: deletion of damaged vectors, which are then re-embedded'),
  space: text('prune: only embedding spaces whose key contains this text'),
  'older-than-days': number('prune: only vectors written before', { min: 0 }),
  all: flag('prune: everything'),
  ...outputOptions,
}

export type CacheArgs = ArgsOf<typeof positionals & typeof options>

export const cacheCommand: Command = {
  form: 'cache <action>',
  group: 'Maintain',
  describe: 'Inspect, verify or prune the embedding cache',
  positionals,
  options,
  examples: [
    ['cache stats', 'vectors and bytes by embedding space'],
    ['cache verify --repair', 'delete what is damaged'],
    ['cache prune --space text-embedding-ada-002', 'forget one model'],
  ],
}

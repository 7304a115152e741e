import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { number, text } from '../options/checks.js'
import { providerOptions } from '../options/provider-options.js'

const options = defineOptions({
  cache: {
    type: 'string',
    default: providerOptions.cache.default,
    coerce: text('cache'),
    describe: 'SQLite file of the embeddings',
  },
  repair: {
    type: 'boolean',
    default: false,
    describe: 'verify: delete damaged vectors, so that they are embedded again',
  },
  space: { type: 'string', coerce: text('space'), describe: 'prune: only embedding spaces whose key holds this text' },
  'older-than-days': {
    type: 'number',
    coerce: number('older-than-days', { min: 0 }),
    describe: 'prune: only vectors written before',
  },
  all: { type: 'boolean', default: false, describe: 'prune: everything' },
  ...outputOptions,
})

export interface CacheArgs extends OutputArgs {
  readonly action: 'stats' | 'verify' | 'prune'
  readonly cache: string
  readonly repair: boolean
  readonly space?: string
  readonly olderThanDays?: number
  readonly all: boolean
}

/** `adapter-train cache` */
export const cacheCommand: Command<CacheArgs> = {
  form: 'cache <action>',
  group: 'Look after',
  describe: 'look after the file of embeddings',
  positionals: {
    action: {
      choices: ['stats', 'verify', 'prune'] as const,
      demandOption: true,
      describe: 'stats: what is in it; verify: check every vector; prune: delete vectors',
    },
  },
  options,
  examples: [
    ['cache stats', 'vectors and bytes by embedding space'],
    ['cache verify --repair', 'delete what is damaged'],
    ['cache prune --space text-embedding-ada-002', 'forget one model'],
  ],
  async run(args) {
    const { cache } = await import('../actions/cache.js')
    await cache(args)
    return undefined
  },
}

import { type Command, defineOptions, outputOptions } from '../command.js'
import { type ExplainOptionArgs, explainOptions } from '../explain-options.js'

const options = defineOptions({ ...explainOptions, quiet: outputOptions.quiet })

export interface TryArgs extends ExplainOptionArgs {
  readonly quiet: boolean
}

/** `adapter-train try` */
export const tryCommand: Command<TryArgs> = {
  form: 'try',
  describe: 'the same as explain for one query after the other, a line each, until an empty one',
  options,
  examples: [['try --adapter adapters/x.json --data test.json --base openai', 'ask by hand, or pipe queries in']],
  async run(args) {
    const { tryQueries } = await import('../actions/try.js')
    return tryQueries(args)
  },
}

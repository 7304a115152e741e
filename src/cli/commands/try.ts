import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { type ExplainOptionArgs, explainOptions } from '../options/explain-options.js'

const { json: _, ...shown } = outputOptions
const options = defineOptions({ ...explainOptions, ...shown })

export type TryArgs = ExplainOptionArgs & Omit<OutputArgs, 'json'>

/** `adapter-train try` */
export const tryCommand: Command<TryArgs> = {
  form: 'try',
  group: 'Judge',
  describe: 'the same as explain for one query after the other, a line each, until an empty one',
  options,
  examples: [
    ['try --adapter adapters/x.json --data test.json --base openai', 'ask by hand'],
    ['try --adapter adapters/x.json --data test.json --top 3 < queries.txt', 'a file of queries, one a line'],
  ],
  async run(args) {
    const { tryQueries } = await import('../actions/try.js')
    return tryQueries(args)
  },
}

import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { text } from '../options/checks.js'
import { type ExplainOptionArgs, explainOptions } from '../options/explain-options.js'

const options = defineOptions({
  query: { type: 'string', coerce: text('query'), demandOption: true, describe: 'text to search for' },
  ...explainOptions,
  ...outputOptions,
})

export interface ExplainArgs extends ExplainOptionArgs, OutputArgs {
  readonly query: string
}

/** `adapter-train explain` */
export const explainCommand: Command<ExplainArgs> = {
  form: 'explain',
  group: 'Judge',
  describe: 'show what an adapter changes for a query: the first documents before and after',
  options,
  examples: [
    [
      'explain --query "card declined" --adapter adapters/x.json --data test.json --base openai',
      'both rankings side by side',
    ],
    ['explain --query "card declined" --adapter adapters/x.json --data test.json --top 3 --json', 'for programs'],
  ],
  async run(args) {
    const { explain } = await import('../actions/explain.js')
    await explain(args)
    return undefined
  },
}

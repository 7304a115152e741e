import type { ExplainArgs } from '../commands/explain.js'
import { createConsole } from '../output/console.js'
import { explanationText } from '../output/explanation-text.js'
import { withExplainer } from '../with-explainer.js'

/** Prints the rankings of one query. */
export async function explain(args: ExplainArgs): Promise<void> {
  const out = createConsole(args)
  await withExplainer(args, out, async ask => {
    const explanation = await ask(args.query, args.top)
    if (args.json) out.json(explanation)
    else out.result(explanationText(explanation))
  })
}

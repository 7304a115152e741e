import { loadAdapter } from '../adapters/file.js'
import { readDataset } from '../dataset/read.js'
import { createExplainer, type Explainer } from '../pipeline/explain.js'
import type { ExplainOptionArgs } from './options/explain-options.js'
import { checkProviderArgs } from './options/provider-options.js'
import type { Console } from './output/console.js'
import { reportSkipped } from './output/report-skipped.js'
import { type Session, withSession } from './session.js'

/** Opens what the options name, embeds the documents, and runs `work`. */
export async function withExplainer<T>(
  args: ExplainOptionArgs,
  out: Console,
  work: (explain: Explainer, session: Session) => Promise<T>,
): Promise<T> {
  checkProviderArgs(args.base, args)
  const adapter = loadAdapter(args.adapter)
  const { format, split, skipInvalid, allowMismatch } = args
  const { dataset: data, skipped } = await readDataset(args.data, { format, split, skipInvalid })
  reportSkipped(skipped, out)
  return withSession(args.base, args, out, async session => {
    const { provider, cache, signal } = session
    const { onPlan: _, ...embed } = session.embed
    const explain = await createExplainer({
      provider,
      adapter,
      data,
      allowMismatch,
      cache,
      embed: { ...embed, signal },
    })
    return work(explain, session)
  })
}

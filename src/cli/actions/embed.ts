import type { QADataset } from '../../dataset/dataset.js'
import { PSEUDO_QUERIES } from '../../dataset/pseudo-queries.js'
import { readDataset } from '../../dataset/read.js'
import { embedDataset } from '../../embed/embed-dataset.js'
import { estimateDatasets } from '../../embed/estimate-datasets.js'
import { AdapterTrainError } from '../../errors.js'
import type { EmbedArgs } from '../commands/embed.js'
import { checkBatchArgs, untilSubmitted } from '../options/batch-options.js'
import { checkProviderArgs } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { afterEmbedding } from '../output/next-steps.js'
import { reportSkipped } from '../output/report-skipped.js'
import { count } from '../output/tables.js'
import { formatDollars, type Session, withSession } from '../session.js'

/** Embeds data sets into the cache, or says what that would take. */
export async function embed(args: EmbedArgs): Promise<void> {
  const out = createConsole(args)
  checkProviderArgs(args.base, args)
  checkBatchArgs(args, '--base', args.base)
  if (args.cache === 'none' && !args.estimate) {
    throw new AdapterTrainError('USAGE', 'embed fills the cache, so --cache none makes no sense; name a file')
  }
  const datasets: QADataset[] = []
  for (const path of args.data) {
    const { format, split, skipInvalid } = args
    const { dataset, skipped } = await readDataset(path, { format, split, skipInvalid })
    reportSkipped(skipped, out)
    datasets.push(dataset)
  }
  const work = args.estimate ? estimate : fillCache
  await untilSubmitted(args, out, async () => {
    await withSession(args.base, args, out, session => work(datasets, session, args, out), { dry: args.estimate })
    if (!args.json) out.next(afterEmbedding(args))
  })
}

async function fillCache(datasets: QADataset[], session: Session, { json }: EmbedArgs, out: Console): Promise<void> {
  const { provider, cache, signal } = session
  const { stats } = await embedDataset(provider, datasets, { ...session.embed, cache, signal })
  const { texts, unique, hits, misses, requests, retries, tokens } = stats
  if (json) out.json({ base: provider.id, texts, unique, hits, misses, requests, retries, tokens })
  else
    out.result(
      `${count(misses, 'text')} embedded in ${count(requests, 'request')} (${count(tokens, 'token')}), ${hits} from the cache`,
    )
}

async function estimate(
  datasets: QADataset[],
  { provider, cache }: Session,
  { json }: EmbedArgs,
  out: Console,
): Promise<void> {
  const { queries, documents, total } = await estimateDatasets(provider, datasets, cache)
  const { tokens, cost } = total
  if (json) {
    out.json({ base: provider.id, queries, documents, tokens, cost })
    return
  }
  const line = ({ missing, unique, tokens }: typeof queries): string =>
    `${missing} of ${unique} to embed, ${tokens} tokens`
  out.result(`queries    ${line(queries)}`)
  out.result(`documents  ${line(documents)}`)
  out.result(
    `cost       ${cost === undefined ? `no price is known for ${provider.id} (--price)` : formatDollars(cost)}`,
  )
  if (datasets.some(({ queries: labelled }) => labelled.size <= PSEUDO_QUERIES.mostLabelled)) {
    out.info(
      `not counted: with up to ${PSEUDO_QUERIES.mostLabelled} labelled queries, train embeds first sentences of documents as well (--pseudo-queries)`,
    )
  }
}

import type { QADataset } from '../../dataset/dataset.js'
import { PSEUDO_QUERIES } from '../../dataset/pseudo-queries.js'
import { readDataset } from '../../dataset/read.js'
import { embedDataset } from '../../embed/embed-dataset.js'
import { estimateDataset, estimateDatasets } from '../../embed/estimate.js'
import { verifyCached } from '../../embed/verify.js'
import { usageError } from '../../errors.js'
import { formatDollars } from '../../report/format.js'
import { TRAIN_DEFAULTS } from '../../train/options.js'
import { EXIT } from '../command.js'
import { type EmbedArgs, VERIFY_BOUND } from '../commands/embed.js'
import { checkBatchArgs } from '../options/batch-options.js'
import { checkProviderArgs } from '../options/provider-options.js'
import { type Console, createConsole, reportSkipped } from '../output/console.js'
import { afterEmbedding } from '../output/next-steps.js'
import { count } from '../output/tables.js'
import { type Session, withSession } from '../session.js'

export async function embed(args: EmbedArgs): Promise<number | undefined> {
  const out = createConsole(args)
  checkProviderArgs(args.base, args)
  checkBatchArgs(args, '--base', args.base)
  if (args.cache === 'none' && !args.estimate)
    throw usageError('embed fills the cache, so --cache none cannot be used; name a file')
  if (args.estimate && args.verify !== undefined)
    throw usageError('--verify embeds texts again, and --estimate sends nothing; drop one')
  if (args.verify === undefined && args.maxDifference !== VERIFY_BOUND) throw usageError('--max-difference goes with --verify')
  const datasets: QADataset[] = []
  for (const path of args.data) {
    const { format, split, skipInvalid } = args
    const { dataset, skipped } = await readDataset(path, { format, split, skipInvalid })
    reportSkipped(skipped, out)
    datasets.push(dataset)
  }
  const work = args.estimate ? estimate : args.verify === undefined ? fillCache : verify
  const code = await withSession(args, out, session => work(datasets, session, args, out))
  if (args.verify === undefined) out.next(afterEmbedding(args))
  return code
}

type Work = (datasets: QADataset[], session: Session, args: EmbedArgs, out: Console) => Promise<number | undefined>

const fillCache: Work = async (datasets, session, _, out) => {
  const { provider, cache, signal } = session
  const { stats } = await embedDataset(provider, datasets, { ...session.embed, cache, signal })
  const { texts, unique, hits, misses, requests, retries, tokens } = stats
  out.json({ base: provider.id, texts, unique, hits, misses, requests, retries, tokens })
  out.result(
    `${count(misses, 'text')} embedded in ${count(requests, 'request')} (${count(tokens, 'token')}), ${hits} from the cache`,
  )
  return undefined
}

/** Embeds cached texts again; exit code 4 if the model has changed. */
const verify: Work = async (datasets, session, args, out) => {
  const { provider, cache, signal } = session
  const texts = {
    query: datasets.flatMap(({ queries }) => [...queries.values()]),
    document: datasets.flatMap(({ corpus }) => [...corpus.values()]),
  }
  const options = { ...session.embed, signal, count: args.verify!, seed: TRAIN_DEFAULTS.seed }
  const found = await verifyCached(provider, texts, cache!, options)
  const changed = !(found.largest <= args.maxDifference)
  out.json({ base: provider.id, ...found, bound: args.maxDifference, passed: !changed })
  out.result(
    `${count(found.texts, 'cached text')} embedded again: 1 - cosine at most ${found.largest.toExponential(1)}, ${found.mean.toExponential(1)} on average`,
  )
  if (!changed) return undefined
  out.error(
    `${provider.id}: expected a difference of at most ${args.maxDifference}, found ${found.largest.toExponential(1)}: the model has changed under its name. Embed the index anew, or bridge to it (adapter-train bridge)`,
  )
  return EXIT.check
}

const estimate: Work = async (datasets, { provider, cache, signal }, { json }, out) => {
  const { queries, documents, total } = await estimateDatasets(provider, datasets, cache)
  const { tokens, cost } = total
  out.json({ base: provider.id, queries, documents, tokens, cost })
  const line = ({ missing, unique, tokens }: typeof queries): string => `${missing} of ${unique} to embed, ${tokens} tokens`
  out.result(`queries    ${line(queries)}`)
  out.result(`documents  ${line(documents)}`)
  out.result(`cost       ${cost === undefined ? `unknown: no price for ${provider.id} (--price)` : formatDollars(cost)}`)
  if (!json && datasets.some(({ queries: labelled }) => labelled.size <= PSEUDO_QUERIES.mostLabelled)) {
    out.info(
      `not counted: with up to ${PSEUDO_QUERIES.mostLabelled} labelled queries, train also embeds pseudo-queries (--pseudo-queries)`,
    )
  }
  // Texts that embedding would refuse are refused here too, after what the others cost.
  for (const dataset of datasets) await estimateDataset(provider, dataset, { cache, signal })
  return undefined
}

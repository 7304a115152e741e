import type { QADataset } from '../../dataset/dataset.js'
import { PSEUDO_QUERIES } from '../../dataset/pseudo-queries.js'
import { readDataset } from '../../dataset/read.js'
import { embedDataset } from '../../embed/embed-dataset.js'
import { estimateDataset, estimateDatasets } from '../../embed/estimate.js'
import { verifyCached } from '../../embed/verify.js'
import { usageError } from '../../errors.js'
import { TRAIN_DEFAULTS } from '../../train/options.js'
import { EXIT } from '../command.js'
import type { EmbedArgs } from '../commands/embed.js'
import { checkBatchArgs, untilSubmitted } from '../options/batch-options.js'
import { checkProviderArgs, requireBase } from '../options/provider-options.js'
import { type Console, createConsole, reportSkipped } from '../output/console.js'
import { afterEmbedding } from '../output/next-steps.js'
import { count } from '../output/tables.js'
import { formatDollars, type Session, withSession } from '../session.js'

/** Embeds datasets into the cache, or estimates the cost. */
export async function embed(args: EmbedArgs): Promise<number> {
  const out = createConsole(args)
  checkProviderArgs(args.base, args)
  checkBatchArgs(args, '--base', args.base)
  if (args.cache === 'none' && !args.estimate)
    throw usageError('embed fills the cache, so --cache none cannot be used; name a file')
  const datasets: QADataset[] = []
  for (const path of args.data) {
    const { format, split, skipInvalid } = args
    const { dataset, skipped } = await readDataset(path, { format, split, skipInvalid })
    reportSkipped(skipped, out)
    datasets.push(dataset)
  }
  const work = args.estimate ? estimate : args.verify === undefined ? fillCache : verify
  const code = await untilSubmitted(args, out, async () => {
    const done = await withSession(requireBase(args.base), args, out, session => work(datasets, session, args, out), {
      dry: args.estimate,
    })
    if (!args.json && args.verify === undefined) out.next(afterEmbedding(args))
    return done
  })
  return code ?? EXIT.done
}

async function fillCache(datasets: QADataset[], session: Session, { json }: EmbedArgs, out: Console): Promise<number> {
  const { provider, cache, signal } = session
  const { stats } = await embedDataset(provider, datasets, { ...session.embed, cache, signal })
  const { texts, unique, hits, misses, requests, retries, tokens } = stats
  if (json) out.json({ base: provider.id, texts, unique, hits, misses, requests, retries, tokens })
  else
    out.result(
      `${count(misses, 'text')} embedded in ${count(requests, 'request')} (${count(tokens, 'token')}), ${hits} from the cache`,
    )
  return EXIT.done
}

/** Embeds cached texts again; exit code 4 if the model has changed. */
async function verify(datasets: QADataset[], session: Session, args: EmbedArgs, out: Console): Promise<number> {
  const { provider, cache, signal } = session
  const texts = {
    query: datasets.flatMap(({ queries }) => [...queries.values()]),
    document: datasets.flatMap(({ corpus }) => [...corpus.values()]),
  }
  const options = { ...session.embed, signal, count: args.verify!, seed: TRAIN_DEFAULTS.seed }
  const found = await verifyCached(provider, texts, cache!, options)
  const changed = found.largest > args.maxDifference
  if (args.json) out.json({ base: provider.id, ...found, bound: args.maxDifference, passed: !changed })
  else {
    out.result(
      `${count(found.texts, 'cached text')} embedded again: 1 - cosine at most ${found.largest.toExponential(1)}, ${found.mean.toExponential(1)} on average`,
    )
  }
  if (!changed) return EXIT.done
  out.error(
    `${provider.id}: expected a difference of at most ${args.maxDifference}, found ${found.largest.toExponential(1)}: the model has changed under its name. Embed the index anew, or bridge to it (adapter-train bridge)`,
  )
  return EXIT.check
}

async function estimate(
  datasets: QADataset[],
  { provider, cache, signal }: Session,
  { json }: EmbedArgs,
  out: Console,
): Promise<number> {
  const { queries, documents, total } = await estimateDatasets(provider, datasets, cache)
  const { tokens, cost } = total
  // Texts that embedding would refuse are refused here too, after what the others cost.
  const refuse = async () => {
    for (const dataset of datasets) await estimateDataset(provider, dataset, { cache, signal })
    return EXIT.done
  }
  if (json) {
    out.json({ base: provider.id, queries, documents, tokens, cost })
    return refuse()
  }
  const line = ({ missing, unique, tokens }: typeof queries): string =>
    `${missing} of ${unique} to embed, ${tokens} tokens`
  out.result(`queries    ${line(queries)}`)
  out.result(`documents  ${line(documents)}`)
  out.result(
    `cost       ${cost === undefined ? `unknown: no price for ${provider.id} (--price)` : formatDollars(cost)}`,
  )
  if (datasets.some(({ queries: labelled }) => labelled.size <= PSEUDO_QUERIES.mostLabelled)) {
    out.info(
      `not counted: with up to ${PSEUDO_QUERIES.mostLabelled} labelled queries, train also embeds pseudo-queries (--pseudo-queries)`,
    )
  }
  return refuse()
}

import type { QADataset } from '../../dataset/dataset.js'
import { readDataset } from '../../dataset/read.js'
import { embedDataset } from '../../embed/embed-dataset.js'
import { estimateEmbedding } from '../../embed/estimate.js'
import { AdapterTrainError } from '../../errors.js'
import type { EmbedArgs } from '../commands/embed.js'
import { createConsole } from '../console.js'
import { reportSkipped } from '../report-skipped.js'
import { formatDollars, withSession } from '../session.js'

/** Embeds data sets into the cache, or says what that would take. */
export async function embed(args: EmbedArgs): Promise<void> {
  const out = createConsole(args)
  if (args.cache === 'none' && !args.estimate) {
    throw new AdapterTrainError('USAGE', 'embed fills the cache, so --cache none makes no sense; name a file')
  }
  const datasets: QADataset[] = []
  for (const path of args.data) {
    const { dataset, skipped } = await readDataset(path, args)
    reportSkipped(skipped, out)
    datasets.push(dataset)
  }
  await withSession(args.base, args, out, async ({ provider, cache, signal, embed: reporting }) => {
    if (!args.estimate) {
      const { stats } = await embedDataset(provider, datasets, { ...reporting, cache, signal })
      const { texts, unique, hits, misses, requests, retries, tokens } = stats
      if (args.json) out.json({ base: provider.id, texts, unique, hits, misses, requests, retries, tokens })
      else out.result(`${misses} texts embedded in ${requests} requests (${tokens} tokens), ${hits} were in the cache`)
      return
    }
    const texts = {
      query: datasets.flatMap(d => [...d.queries.values()]),
      document: datasets.flatMap(d => [...d.corpus.values()]),
    }
    const queries = await estimateEmbedding(provider, texts.query, 'query', cache)
    const documents = await estimateEmbedding(provider, texts.document, 'document', cache)
    const tokens = queries.tokens + documents.tokens
    const cost = provider.price === undefined ? undefined : (tokens / 1e6) * provider.price
    if (args.json) out.json({ base: provider.id, queries, documents, tokens, cost })
    else {
      out.result(`queries    ${queries.missing} of ${queries.unique} to embed, ${queries.tokens} tokens`)
      out.result(`documents  ${documents.missing} of ${documents.unique} to embed, ${documents.tokens} tokens`)
      out.result(
        `cost       ${cost === undefined ? `no price is known for ${provider.id} (--price)` : formatDollars(cost)}`,
      )
    }
  })
}

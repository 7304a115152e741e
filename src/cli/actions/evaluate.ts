import { loadAdapter } from '../../adapters/file.js'
import { readDataset } from '../../dataset/read.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { runEvaluation } from '../../pipeline/run-evaluation.js'
import type { EvaluateArgs } from '../commands/evaluate.js'
import { createConsole } from '../console.js'
import { checkProviderArgs } from '../provider-options.js'
import { reportSkipped } from '../report-skipped.js'
import { withSession } from '../session.js'
import { changesTable, comparisonTable, count } from '../tables.js'

/** Scores the base and the adapter and prints the comparison. */
export async function evaluate(args: EvaluateArgs): Promise<void> {
  const out = createConsole(args)
  args.metrics.forEach(parseMetric)
  checkProviderArgs(args.base, args)
  const adapter = args.adapter === undefined ? undefined : loadAdapter(args.adapter)
  const { format, split, skipInvalid, metrics, allowMismatch } = args
  const { dataset, skipped } = await readDataset(args.data, { format, split, skipInvalid })
  reportSkipped(skipped, out)
  await withSession(args.base, args, out, async session => {
    const { embedding, ...report } = await runEvaluation({
      ...session,
      data: dataset,
      adapter,
      allowMismatch,
      metrics,
      engine: args.engine,
      embed: {
        ...session.embed,
        onProgress: progress => {
          session.embed.onProgress?.(progress)
          if (progress.done === progress.total) session.release()
        },
      },
    })
    if (args.json) {
      out.json(report)
      return
    }
    out.result(
      `${session.provider.id} on ${args.data}: ${count(report.queries, 'query', 'queries')}, ${count(report.documents, 'document')}`,
    )
    out.result(`${count(embedding.hits, 'embedding')} from the cache, ${count(embedding.requests, 'request')}\n`)
    out.result(comparisonTable(report.metrics.base, report.metrics.adapted, report.difference))
    if (report.largest) {
      out.result(`\nby query: ${report.wins} better, ${report.ties} the same, ${report.losses} worse`)
      out.result(changesTable(report.largest))
    }
  })
}

import { saveAdapter } from '../../adapters/file.js'
import { loadParts } from '../../pipeline/load-parts.js'
import { runTraining, type TrainingReport } from '../../pipeline/run-training.js'
import { checkWritable } from '../../write-file-atomic.js'
import type { TrainArgs } from '../commands/train.js'
import { type Console, createConsole } from '../console.js'
import { reportSkipped } from '../report-skipped.js'
import { type Session, withSession } from '../session.js'
import { comparisonTable } from '../tables.js'

/** Trains as the options say, writes the adapter file and prints what came of it. */
export async function train(args: TrainArgs & { readonly train: string }): Promise<void> {
  const out = createConsole(args)
  const { parts, skipped, warnings } = await loadParts(args)
  reportSkipped(skipped, out)
  await withSession(args.base, args, out, async session => {
    const path = args.out ?? defaultPath(session.provider.id)
    checkWritable(path)
    const { adapter, report } = await runTraining({ ...session, parts, train: trainingOptions(args, out) })
    saveAdapter(adapter, path)
    const all = { ...report, warnings: [...warnings, ...report.warnings] }
    for (const warning of all.warnings) out.warn(warning)
    if (args.json) out.json({ adapter: path, ...all })
    else printReport(all, path, session, out)
  })
}

/** adapters/openai-text-embedding-3-small.json */
function defaultPath(baseId: string): string {
  return `adapters/${baseId.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|-+$/g, '')}.json`
}

function trainingOptions(args: TrainArgs, out: Console) {
  const bar = out.progress('training')
  const {
    kind,
    negatives,
    epochs,
    batchSize,
    learningRate,
    warmup,
    scale,
    weightDecay,
    maxGradNorm,
    metric,
    patience,
    seed,
    engine,
  } = args
  return {
    ...{
      kind,
      negatives,
      epochs,
      batchSize,
      learningRate,
      warmup,
      scale,
      weightDecay,
      maxGradNorm,
      metric,
      patience,
      seed,
      engine,
    },
    onStep: (step: number, steps: number) => bar.update(step, steps),
    onEpoch: ({ epoch, loss, metric: value }: TrainingReport['epochs'][number]) => {
      bar.end()
      const measured = value === undefined ? '' : `  validation ${metric} ${value.toFixed(4)}`
      out.info(`epoch ${epoch}/${epochs}  loss ${loss.toFixed(4)}${measured}`)
    },
  }
}

function printReport(report: TrainingReport, path: string, { provider }: Session, out: Console): void {
  const { base, data, metrics, bestEpoch, cache, seconds } = report
  const parts = Object.entries(data).map(
    ([name, part]) => `${name} ${part.queries} queries, ${part.pairs} pairs, ${part.documents} documents`,
  )
  out.result(`base       ${base.id}, ${base.dimensions} dimensions`)
  out.result(`data       ${parts.join('\n           ')}`)
  const cost = provider.price ? `, about $${((cache.tokens / 1e6) * provider.price).toFixed(4)}` : ''
  out.result(
    `embedded   ${cache.misses} texts in ${cache.requests} requests (${cache.tokens} tokens${cost}), ${cache.hits} from the cache`,
  )
  out.result(
    `trained    ${report.kind}, ${report.epochs.length} epochs, best ${bestEpoch}, engine ${report.engine}, ${seconds.train.toFixed(1)} s`,
  )
  if (metrics) {
    out.result(`\n${metrics.split} set, ${data[metrics.split]!.queries} queries that were not trained on\n`)
    out.result(comparisonTable(metrics.base, metrics.adapted))
  }
  out.result(`\nadapter    ${path}`)
}

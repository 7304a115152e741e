import { saveAdapter } from '../../adapters/file.js'
import { createEngine } from '../../engines/index.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { loadParts } from '../../pipeline/load-parts.js'
import { runTraining, type TrainingReport } from '../../pipeline/run-training.js'
import type { TrainOptions } from '../../train/train-adapter.js'
import type { TrainArgs } from '../commands/train.js'
import { type Console, createConsole } from '../console.js'
import { checkOut, findDataFiles } from '../data-files.js'
import { checkProviderArgs } from '../provider-options.js'
import { reportSkipped } from '../report-skipped.js'
import { formatDollars, type Session, withSession } from '../session.js'
import { comparisonTable, count } from '../tables.js'

/** Trains as the options say, writes the adapter file and prints what came of it. */
export async function train(args: TrainArgs): Promise<void> {
  const out = createConsole(args)
  // All that can be wrong is found before the first text is embedded, which may cost money.
  parseMetric(args.metric)
  checkProviderArgs(args.base, args)
  const files = findDataFiles(args)
  const inputs = [files.train, files.val, args.test]
  if (args.out !== undefined) checkOut(args.out, inputs)
  const { parts, skipped, warnings } = await loadParts({ ...args, ...files })
  reportSkipped(skipped, out)
  const engine = await createEngine(args.engine)
  try {
    await withSession(args.base, args, out, async session => {
      const path = args.out ?? defaultPath(session.provider.id)
      checkOut(path, inputs)
      const { adapter, report } = await runTraining({
        ...session,
        parts,
        train: { ...trainingOptions(args, out), engine },
        onPhase: phase => {
          if (phase === 'evaluate') session.release()
        },
      })
      saveAdapter(adapter, path)
      for (const warning of [...warnings, ...report.warnings]) out.warn(warning)
      if (args.json) out.json(jsonReport(report, path))
      else printReport(report, path, session, out)
    })
  } finally {
    engine.dispose()
  }
}

/** adapters/openai-text-embedding-3-small.json */
function defaultPath(baseId: string): string {
  const name = baseId
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .slice(0, 60)
    .replace(/^[-.]+|[-.]+$/g, '')
  return `adapters/${name || 'adapter'}.json`
}

function trainingOptions(args: TrainArgs, out: Console): TrainOptions {
  const bar = out.progress('training')
  const { kind, negatives, epochs, batchSize, learningRate, warmup, scale } = args
  const { weightDecay, maxGradNorm, metric, patience, seed } = args
  return {
    ...{ kind, negatives, epochs, batchSize, learningRate, warmup, scale },
    ...{ weightDecay, maxGradNorm, metric, patience, seed },
    onStep: (step, steps) => bar.update(step, steps),
    onEpoch: ({ epoch, loss, metric: value }) => {
      bar.end()
      const measured = value === undefined ? '' : `  validation ${metric} ${value.toFixed(4)}`
      out.info(`epoch ${epoch}/${epochs}  loss ${loss.toFixed(4)}${measured}`)
    },
  }
}

function jsonReport(report: TrainingReport, adapter: string): object {
  const { kind, base, data, metrics, bestEpoch, engine, cache, seconds } = report
  const epochs = report.epochs.map(({ epoch, loss, metric }) => ({ epoch, loss, metric }))
  return { adapter, kind, base, data, metrics, epochs, bestEpoch, engine, cache, seconds }
}

function printReport(report: TrainingReport, path: string, { provider }: Session, out: Console): void {
  const { base, data, metrics, bestEpoch, cache, seconds } = report
  const parts = Object.entries(data).map(
    ([name, part]) =>
      `${name} ${count(part.queries, 'query', 'queries')}, ${count(part.pairs, 'pair')}, ${count(part.documents, 'document')}`,
  )
  const cost = provider.price ? `, about ${formatDollars((cache.tokens / 1e6) * provider.price)}` : ''
  out.result(`base       ${base.id}, ${base.dimensions} dimensions`)
  out.result(`data       ${parts.join('\n           ')}`)
  out.result(
    `embedded   ${count(cache.misses, 'text')} in ${count(cache.requests, 'request')} (${cache.tokens} tokens${cost}), ${cache.hits} from the cache`,
  )
  out.result(
    `trained    ${report.kind}, ${count(report.epochs.length, 'epoch')}, best ${bestEpoch || 'none'}, engine ${report.engine}, ${seconds.train.toFixed(1)} s`,
  )
  if (metrics) {
    out.result(`\n${metrics.split} set, ${data[metrics.split]!.queries} queries that were not trained on\n`)
    out.result(comparisonTable(metrics.base, metrics.adapted))
  }
  out.result(`\nadapter    ${path}`)
}

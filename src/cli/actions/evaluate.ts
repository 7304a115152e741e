import type { Adapter } from '../../adapters/adapter.js'
import { loadAdapter } from '../../adapters/file.js'
import { readDataset } from '../../dataset/read.js'
import type { EmbedStats } from '../../embed/run-embedding.js'
import { AdapterTrainError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { parseBytes } from '../../memory-limit.js'
import type { PartName } from '../../pipeline/embedded-parts.js'
import type { ProofDetail } from '../../pipeline/proof-detail.js'
import {
  type EvaluationOptions,
  type EvaluationReport,
  runEvaluation,
  runEvaluationOnVectors,
} from '../../pipeline/run-evaluation.js'
import { readVectors } from '../../vectors/read-vectors.js'
import type { EvaluateArgs } from '../commands/evaluate.js'
import { checkProviderArgs } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { afterEvaluation } from '../output/next-steps.js'
import { reportSkipped } from '../output/report-skipped.js'
import { count, proofText } from '../output/tables.js'
import { textOfDocuments } from '../output/text-of-documents.js'
import { checkReport, type ReportFacts, writeReport } from '../output/write-report.js'
import { withSession } from '../session.js'

/** Scores the base and the adapter and prints the comparison. */
export async function evaluate(args: EvaluateArgs): Promise<void> {
  const out = createConsole(args)
  args.metrics.forEach(parseMetric)
  checkProviderArgs(args.base, args)
  const isVectors = args.base === 'vectors'
  if (isVectors) checkVectorArgs(args)
  else if (args.vectors !== undefined) throw new AdapterTrainError('USAGE', '--vectors goes with --base vectors')
  else if (args.data === undefined)
    throw new AdapterTrainError('USAGE', 'missing option --data; see adapter-train evaluate --help')
  checkReport(args.report, [args.data, args.train, args.adapter])
  const memory = args.memory === undefined ? undefined : parseBytes(args.memory)
  const { metrics, allowMismatch, engine } = args
  const adapter = args.adapter === undefined ? undefined : loadAdapter(args.adapter)
  const written: { detail?: ProofDetail } = {}
  const onDetail = (detail: ProofDetail) => {
    written.detail = detail
  }
  const options = { adapter, metrics, allowMismatch, engine, memory, onDetail: args.report ? onDetail : undefined }
  const { report, documentText } = isVectors
    ? await evaluateVectors(args, options, out)
    : await evaluateTexts(args, options, out)
  if (args.report !== undefined) {
    const facts = evaluationFacts(report, args, adapter)
    await writeReport(args.report, { ...facts, detail: written.detail, documentText }, out, args.json)
  }
  if (!args.json) out.next(afterEvaluation(args, report.difference, metricOf(report, args)))
}

/** The metric that decides. */
function metricOf({ largest }: EvaluationReport, { metrics }: EvaluateArgs): string {
  return largest?.metric ?? (metrics.includes('ndcg@10') ? 'ndcg@10' : metrics[0])
}

/** What was measured, and how to read its documents. */
interface Evaluated {
  readonly report: EvaluationReport
  readonly documentText: (id: string) => string | undefined
}

function evaluationFacts(report: EvaluationReport, args: EvaluateArgs, adapter: Adapter | undefined): ReportFacts {
  const { engine, engineReason, engineDescription } = report
  return {
    ...report,
    kind: adapter?.kind,
    metric: metricOf(report, args),
    measuredOn: args.data ?? `the ${Object.keys(report.data)[0]} part of ${args.vectors}`,
    facts: [
      ['engine', `${engine}${engineDescription ? ` (${engineDescription})` : ''}: ${engineReason}`],
      ...(args.adapter === undefined ? [] : [['adapter', args.adapter] as const]),
    ],
  }
}

async function evaluateTexts(
  args: EvaluateArgs,
  options: EvaluationOptions & { readonly memory?: number },
  out: Console,
): Promise<Evaluated> {
  const { format, split, skipInvalid } = args
  const { dataset, skipped } = await readDataset(args.data!, { format, split, skipInvalid })
  reportSkipped(skipped, out)
  const train = args.train === undefined ? undefined : await readDataset(args.train, { format, skipInvalid })
  if (train) reportSkipped(train.skipped, out)
  return withSession(args.base, args, out, async session => {
    const { embedding, ...report } = await runEvaluation({
      ...session,
      ...options,
      data: dataset,
      train: train?.dataset,
      embed: {
        ...session.embed,
        onProgress: progress => {
          session.embed.onProgress?.(progress)
          if (progress.done === progress.total) session.release()
        },
      },
    })
    finish(report, args.data!, args, out, embedding)
    return { report, documentText: textOfDocuments(dataset) }
  })
}

async function evaluateVectors(args: EvaluateArgs, options: EvaluationOptions, out: Console): Promise<Evaluated> {
  const folder = args.vectors!
  const parts = await readVectors(folder, { baseId: args.baseId, lazy: true })
  const report = await runEvaluationOnVectors(parts, options)
  const [part] = Object.keys(report.data)
  const flattered = part === 'train' && args.adapter !== undefined
  const warning = `${folder} has no test part: these are the queries that adapters are trained on, and the figures flatter one that was`
  const warnings = flattered ? [...report.warnings, warning] : report.warnings
  finish({ ...report, warnings }, `the ${part} part of ${folder}`, args, out)
  return { report: { ...report, warnings }, documentText: textOfDocuments(parts[part as PartName]) }
}

function finish(report: EvaluationReport, name: string, args: EvaluateArgs, out: Console, embedding?: EmbedStats) {
  for (const warning of report.warnings) out.warn(warning)
  if (args.json) {
    const { hits = 0, misses = 0, requests = 0, tokens = 0 } = embedding ?? {}
    out.json({ ...report, cache: { hits, misses, requests, tokens } })
    return
  }
  const { base, queries, documents } = report
  out.result(`${base.id} on ${name}: ${count(queries, 'query', 'queries')}, ${count(documents, 'document')}`)
  if (embedding)
    out.result(`${count(embedding.hits, 'embedding')} from the cache, ${count(embedding.requests, 'request')}`)
  out.result(`\n${proofText(report, out.style)}`)
}

function checkVectorArgs({ vectors, data, train, split }: EvaluateArgs): void {
  if (vectors === undefined) throw new AdapterTrainError('USAGE', '--base vectors needs --vectors FOLDER')
  if (data ?? train ?? split) {
    throw new AdapterTrainError(
      'USAGE',
      '--base vectors reads all its data from --vectors; drop --data, --train and --split',
    )
  }
}

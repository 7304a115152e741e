import { join, parse } from 'node:path'
import type { Adapter } from '../../adapters/adapter.js'
import { loadAdapter } from '../../adapters/file.js'
import { readQueryField } from '../../dataset/query-field.js'
import type { PartName } from '../../dataset/split.js'
import type { EmbedStats } from '../../embed/stats.js'
import { usageError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics.js'
import { writeFileAtomic } from '../../files.js'
import { effortText } from '../../indexes/vector-index.js'
import { type Check, junit, notWorse, reaches, segmentNotWorse } from '../../pipeline/checks.js'
import type { ProofDetail } from '../../pipeline/proof.js'
import { type EvaluationReport, runEvaluation } from '../../pipeline/run-evaluation.js'
import { engineText } from '../../report/sections/data.js'
import { signed } from '../../words.js'
import { EXIT } from '../command.js'
import type { EvaluateArgs } from '../commands/evaluate.js'
import { checkOut } from '../options/data-files.js'
import { withBaseOf } from '../options/provider-options.js'
import { type Console, createConsole, formatTable } from '../output/console.js'
import { afterEvaluation } from '../output/next-steps.js'
import { count, proofText, withInterval } from '../output/tables.js'
import { checkReport, known, type ReportFacts, writeReport } from '../output/write-report.js'
import { checkVectorArgs, noteUnchecked, openListed, withDataSession } from '../session.js'

export async function evaluate(args: EvaluateArgs): Promise<number | undefined> {
  const out = createConsole(args)
  const { metrics, allowMismatch, engine, vectors, memory } = args
  metrics.forEach(parseMetric)
  checkVectorArgs(args, ['data', 'train', 'split'])
  if (vectors === undefined && args.data === undefined)
    throw usageError('missing option --data; see adapter-train evaluate --help')
  const minima = minimaOf(args)
  const inputs = [args.data, args.train, args.adapter, args.against]
  checkReport(args.report, inputs)
  if (args.junit !== undefined) checkOut(args.junit, [...inputs, args.report], 'junit')
  const runs = args.runOut === undefined ? undefined : runFiles(args.runOut)
  for (const file of Object.values(runs ?? {})) checkOut(file, [...inputs, args.report, args.junit], 'run-out')
  const adapter = args.adapter === undefined ? undefined : loadAdapter(args.adapter)
  const against = args.against === undefined ? undefined : loadAdapter(args.against)
  const segmentOf = args.by === undefined ? undefined : await readQueryField(args.data!, args.by)
  const data = await openListed({ ...args, test: args.data, valFraction: 0, testFraction: 0 }, out)
  return withDataSession(await withBaseOf(args, adapter, args.adapter), out, async session => {
    if (adapter && session.provider) noteUnchecked(adapter, session.provider, out)
    // Ctrl-C may end the program at once when nothing more is embedded.
    if (!session.embed) session.release()
    let detail: ProofDetail | undefined
    const { embedding, ...measured } = await runEvaluation({
      ...session,
      data,
      adapter,
      against,
      segmentOf,
      allowMismatch,
      engine,
      memory,
      metrics: [...new Set([...metrics, ...minima.keys()])],
      onRuns:
        runs &&
        (({ base, adapted }) => {
          writeFileAtomic(runs.base, base)
          if (adapted !== undefined) writeFileAtomic(runs.adapted, adapted)
        }),
      onDetail: args.report === undefined ? undefined : found => (detail = found),
      embed: {
        ...session.embed,
        onProgress: progress => {
          session.embed?.onProgress?.(progress)
          if (progress.done === progress.total) session.release()
        },
      },
    })
    const part = Object.keys(measured.data)[0] as PartName
    const flattered = vectors !== undefined && part === 'train' && adapter !== undefined
    const warning = `${vectors} has no test part: these are the queries that adapters are trained on, and the figures flatter one that was`
    const warnings = [...data.warnings, ...measured.warnings, ...(flattered ? [warning] : [])]
    const checks = checksOf(measured, minima, args)
    const report = {
      ...measured,
      ...(checks.length > 0 && { checks }),
      ...(runs && { runs: { base: runs.base, ...(adapter && { adapted: runs.adapted }) } }),
      warnings,
    }
    if (args.junit !== undefined) writeFileAtomic(args.junit, junit('adapter-train evaluate', checks))
    printResult(report, args.data ?? `the ${part} part of ${vectors}`, args, out, embedding)
    if (args.report !== undefined) {
      const documentText = (id: string) => data.documentText(part, id)
      await writeReport(args.report, { ...evaluationFacts(report, args, adapter), detail, documentText }, out)
    }
    const failed = checks.filter(({ passed }) => !passed)
    for (const { message } of failed) out.error(message)
    if (failed.length === 0) out.next(afterEvaluation(args, report.difference, metricOf(report, args)))
    return failed.length > 0 ? EXIT.check : undefined
  })
}

function minimaOf({ failIfWorse, adapter, against, by, require = [], vectors, junit }: EvaluateArgs) {
  if (adapter === undefined && (failIfWorse || against !== undefined || by !== undefined)) {
    throw usageError(
      `--${failIfWorse ? 'fail-if-worse' : against === undefined ? 'by' : 'against'} compares an adapter: add --adapter FILE`,
    )
  }
  if (by !== undefined && vectors !== undefined)
    throw usageError('--by reads a field of --data, and --vectors has none; drop one')
  if (junit !== undefined && !failIfWorse && require.length === 0)
    throw usageError('--junit writes the result of checks: add --fail-if-worse or --require')
  return new Map(
    require.map(text => {
      const [, metric, value] = /^([^=]+)=([^=]+)$/.exec(text) ?? []
      const minimum = Number(value)
      if (value === undefined || !(minimum >= 0 && minimum <= 1))
        throw usageError(`--require must be metric=value with a value from 0 to 1, such as ndcg@10=0.5, found "${text}"`)
      parseMetric(metric)
      return [metric, minimum]
    }),
  )
}

function checksOf(report: EvaluationReport, minima: ReadonlyMap<string, number>, args: EvaluateArgs): Check[] {
  const { metrics, difference, against, segments = [] } = report
  const metric = metricOf(report, args)
  const worse = args.failIfWorse
    ? [
        against ? notWorse(args.against!, metric, against.difference[metric]) : notWorse('the base', metric, difference![metric]),
        ...segments.map(segment => segmentNotWorse(args.by!, metric, segment)),
      ]
    : []
  const reached = Array.from(minima, ([spec, minimum]) => reaches(spec, minimum, (metrics.adapted ?? metrics.base)[spec]))
  return [...worse, ...reached]
}

/** `x.trec` -> `x.base.trec`, `x.adapted.trec` */
function runFiles(path: string): { readonly base: string; readonly adapted: string } {
  const { dir, name, ext } = parse(path)
  return { base: join(dir, `${name}.base${ext}`), adapted: join(dir, `${name}.adapted${ext}`) }
}

function metricOf({ largest }: EvaluationReport, { metrics }: EvaluateArgs): string {
  return largest?.metric ?? (metrics.includes('ndcg@10') ? 'ndcg@10' : metrics[0])
}

function evaluationFacts(report: EvaluationReport, args: EvaluateArgs, adapter: Adapter | undefined): ReportFacts {
  return {
    ...report,
    kind: adapter?.kind,
    metric: metricOf(report, args),
    measuredOn: args.data ?? `the ${Object.keys(report.data)[0]} part of ${args.vectors}`,
    facts: known({ engine: engineText(report), adapter: args.adapter }),
  }
}

type Checked = EvaluationReport & {
  readonly checks?: readonly Check[]
  readonly runs?: { readonly base: string; readonly adapted?: string }
}

function checkLines(report: Checked, args: EvaluateArgs, { style }: Console): string[] {
  const { against, segments, checks = [], runs } = report
  const metric = metricOf(report, args)
  const lines: string[] = []
  if (against) {
    lines.push(`\nagainst ${args.against}: ${metric} ${withInterval(against.difference[metric])}`)
  }
  if (segments) {
    const rows = segments.map(({ value, queries, metrics, difference }) => [
      value ?? '(none)',
      String(queries),
      metrics.base[metric].toFixed(4),
      metrics.adapted[metric].toFixed(4),
      signed(difference[metric].mean),
    ])
    lines.push(`\n${formatTable([[args.by!, 'queries', 'base', 'adapted', 'difference'], ...rows], style)}`)
  }
  if (checks.length > 0) lines.push('')
  for (const { passed, message } of checks) lines.push(`${passed ? style.green('passed') : style.red('failed')}     ${message}`)
  if (runs) lines.push(`\nruns       ${Object.values(runs).join(', ')}`)
  return lines
}

/** Lays out the index's own search beside the exact one. */
function indexLines({ index, metrics: { base, adapted, index: own } }: Checked, { style }: Console): string[] {
  if (!index || !own) return []
  const sides = adapted ? (['base', 'adapted'] as const) : (['base'] as const)
  const cells = (of: { readonly base: number; readonly adapted?: number }) => sides.map(side => of[side]!.toFixed(4))
  const rows = Object.keys(base).map(spec => [
    spec,
    ...[{ base, adapted }, own].flatMap(scores => sides.map(side => scores[side]![spec].toFixed(4))),
  ])
  const { kind, effort, recall, curve } = index
  const setting = effort ? ` with ${effortText(effort)}` : ''
  const search = kind === undefined ? 'every search is exact' : `${kind} by ${index.metric}${setting}`
  const head = ['', ...['exact', 'index'].flatMap(by => sides.map(side => `${by} ${side}`))]
  const on = count(recall.queries, 'query', 'queries')
  const lines = [
    `\nthrough ${index.id}: ${search}`,
    formatTable([head, ...rows], style),
    `finds of the exact ${recall.k} nearest, on ${on}: ${cells(recall).join(' -> ')}`,
  ]
  const tried = curve.map(point => [point.effort, ...cells(point)])
  return curve.length > 0 ? [...lines, `\n${formatTable([['by effort', ...sides], ...tried], style)}`] : lines
}

function printResult(report: Checked, name: string, args: EvaluateArgs, out: Console, embedding?: EmbedStats) {
  for (const warning of report.warnings) out.warn(warning)
  const { hits = 0, misses = 0, requests = 0, tokens = 0 } = embedding ?? {}
  out.json({ ...report, cache: { hits, misses, requests, tokens } })
  const { base, queries, documents } = report
  out.result(`${base.id} on ${name}: ${count(queries, 'query', 'queries')}, ${count(documents, 'document')}`)
  if (embedding) out.result(`${count(hits, 'embedding')} from the cache, ${count(requests, 'request')}`)
  out.result(`\n${proofText(report, out.style)}`)
  for (const line of indexLines(report, out)) out.result(line)
  for (const line of checkLines(report, args, out)) out.result(line)
}

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { loadAdapter } from '../../adapters/file.js'
import { usageError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics.js'
import { readRun } from '../../evaluate/trec-run.js'
import { SIGNIFICANCE } from '../../math/statistics/moments.js'
import type { CompareCandidate, CompareRun, NamedVectors } from '../../pipeline/compare/candidates.js'
import { type BasePlan, estimateCompare } from '../../pipeline/compare/plan-compare.js'
import { type CandidateReport, type CompareReport, runCompare } from '../../pipeline/compare/run-compare.js'
import { openData, zeroNotes } from '../../pipeline/open-data.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { bytes, formatDollars, whole } from '../../report/format.js'
import { signed } from '../../words.js'
import type { CompareArgs } from '../commands/compare.js'
import { onInterrupt } from '../interrupt.js'
import type { CandidateSpec } from '../options/candidates.js'
import { CANDIDATE_FORM, checkNames, parseCandidate, readCandidatesFile } from '../options/candidates.js'
import { costLimit } from '../options/cost-options.js'
import { checkProviderArgs, openCacheOption, openProvider, withBaseOf } from '../options/provider-options.js'
import { createConsole, formatTable } from '../output/console.js'
import { PLAIN, type Style } from '../output/style.js'
import { changeText, count, formatP, hybridText, wrapTable } from '../output/tables.js'
import { checkReport, writeReport } from '../output/write-report.js'
import { countingOnce, embedReporting, noteUnchecked, openListed, planText, spillFolderOf } from '../session.js'

export async function compare(args: CompareArgs): Promise<void> {
  const out = createConsole(args)
  const { metric, metrics, timing, seed, engine, allowMismatch, estimate, memory } = args
  metrics.concat(metric ?? []).forEach(parseMetric)
  if (estimate && args.report !== undefined)
    throw usageError('--report shows what was measured, and --estimate measures nothing; drop one')
  const specs = await specsOf(args)
  const runs = (args.run ?? []).map(readNamedRun)
  const runFiles = (args.run ?? []).map(text => text.replace(/^[^=]+=/, ''))
  checkReport(args.report, [args.data, args.candidates, ...specs.map(({ adapter }) => adapter), ...runFiles])
  const files = new Map(specs.flatMap(({ adapter }) => (adapter === undefined ? [] : [[resolve(adapter), adapter]])))
  // One file is one adapter.
  const adapters = new Map(Array.from(files, ([path, file]) => [path, loadAdapter(file)]))
  const { format, split, skipInvalid, index, indexFilter } = args
  if (index !== undefined && estimate) throw usageError('--estimate: with --index only queries are embedded; drop it')
  if (index !== undefined && args.data === undefined) throw usageError('--index: add the labels, --data FILE')
  const read =
    args.data === undefined || index !== undefined
      ? undefined
      : await openListed({ test: args.data, format, split, skipInvalid }, out)
  const { folders, warnings } = await foldersOf(specs, args)
  const { signal, release } = onInterrupt(out)
  const bar = out.progress('embedding')
  const providers = new Map<string, EmbeddingProvider>()
  const measured = new Map<EmbeddingProvider, { readonly vectors: NamedVectors; close?(): void }>()
  const limit = costLimit(args.maxCost)
  const caches = specs.some(({ base }) => base !== 'vectors') && (!estimate || existsSync(args.cache))
  const cache = caches ? await openCacheOption(args) : undefined
  try {
    const candidates: CompareCandidate[] = []
    for (const spec of specs) {
      const { name } = spec
      const adapter = spec.adapter === undefined ? undefined : adapters.get(resolve(spec.adapter))
      const vectors = folders.get(folderKey(spec))
      const provider = vectors ? undefined : await open(spec, adapter)
      const beside = provider && index !== undefined ? await besideIndex(provider) : vectors
      candidates.push(beside ? { name, adapter, vectors: beside } : { name, adapter, provider })
    }
    const common = { data: read?.parts?.test, runs, cache, signal, metric, metrics, timing, allowMismatch }
    if (estimate) {
      const bases = await estimateCompare(candidates, common)
      out.json({ bases })
      out.result(planLines(bases).join('\n') || 'nothing is embedded: all candidates are folders of vectors')
      return
    }
    const report = await runCompare(candidates, {
      ...common,
      memory,
      spillFolder: spillFolderOf(args),
      seed,
      engine,
      embed: embedReporting({ retries: args.retries, skipRefused: args.skipRefused }, out, bar),
      onPlan: plans => {
        for (const line of planLines(plans)) out.info(line)
        for (const { base, timing, missing, cost } of plans) {
          const isLocal = [...providers.values()].find(({ id }) => id === base)?.isLocal ?? false
          limit({ id: base, isLocal }, { missing: missing + (timing?.requests ?? 0), cost: cost && cost + (timing?.cost ?? 0) })
        }
      },
    })
    const comparison = { ...report, warnings: [...warnings, ...report.warnings] }
    for (const warning of comparison.warnings) out.warn(warning)
    out.json(comparison)
    out.result(compareText(comparison, args.data, out.style, process.stdout.columns))
    const facts = { comparison, facts: [], warnings: comparison.warnings }
    if (args.report !== undefined) await writeReport(args.report, facts, out)
  } finally {
    release()
    bar.end()
    for (const { close } of measured.values()) close?.()
    cache?.close()
    for (const provider of providers.values()) await provider.close?.()
  }

  /** Embeds the queries of a base once, beside the documents of the index. */
  async function besideIndex(provider: EmbeddingProvider): Promise<NamedVectors> {
    let known = measured.get(provider)
    if (!known) {
      const data = await openListed({ test: args.data, format, split, skipInvalid, index, indexFilter }, out)
      const embed = embedReporting({ retries: args.retries, skipRefused: args.skipRefused }, out, bar)
      const options = { provider, cache, signal, memory, embed, spillFolder: spillFolderOf(args) }
      const { data: found, close } = await data.embedMeasured(options)
      known = { vectors: { ...found, name: `${args.data} in the index` }, close }
      measured.set(provider, known)
    }
    return known.vectors
  }

  /** Opens one provider for equal options, so that a local model is loaded once. */
  async function open({ base: given, adapter: path, options }: CandidateSpec, adapter: CompareCandidate['adapter']) {
    const { concurrency, timeout } = args
    const common = { ...(concurrency && { concurrency }), ...(timeout && { timeout }), ...options, cache: args.cache }
    const { base, ...all } = await withBaseOf({ ...common, base: given === 'adapter' ? undefined : given }, adapter, path)
    checkProviderArgs(base, { ...all, concurrency: undefined, timeout: undefined })
    const key = JSON.stringify([base, all])
    // An estimate sends nothing, so it needs no key.
    const provider = providers.get(key) ?? countingOnce(await openProvider(base, all, estimate ? 'none' : undefined))
    providers.set(key, provider)
    if (adapter) noteUnchecked(adapter, provider, out)
    return provider
  }
}

function readNamedRun(text: string): CompareRun {
  const [, name, file] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (file === undefined) throw usageError(`--run must be NAME=FILE, found "${text}"`)
  return { name, run: readRun(file) }
}

async function specsOf({ candidate = [], candidates, run = [], data }: CompareArgs): Promise<CandidateSpec[]> {
  const listed = candidates === undefined ? [] : await readCandidatesFile(candidates)
  const specs = [...listed, ...candidate.map(parseCandidate)]
  if (specs.length === 0 && run.length > 0 && data === undefined)
    throw usageError('missing option --data: runs are judged by its labels')
  if (specs.length === 0 && run.length === 0) {
    throw usageError(
      `there is nothing to compare; give --candidate ${CANDIDATE_FORM}, once or several times, or --candidates FILE`,
    )
  }
  checkNames(specs)
  const texts = specs.find(({ base }) => base !== 'vectors')
  if (texts && data === undefined) throw usageError(`missing option --data: candidate "${texts.name}" embeds its texts`)
  return specs
}

/** Reads the vectors of every folder, by {@link folderKey}: the test split if there is one, else validation, else training. */
async function foldersOf(specs: readonly CandidateSpec[], { data }: CompareArgs) {
  const folders = new Map<string | undefined, NamedVectors>()
  const warnings: string[] = []
  for (const spec of specs) {
    const { vectors, options, adapter, name } = spec
    if (vectors === undefined) continue
    const read = await openData({ vectors, baseId: options.baseId, valFraction: 0, testFraction: 0 })
    const measured = await read.embedMeasured()
    const key = folderKey(spec)
    const named = `the ${measured.part} part of ${vectors}`
    if (!folders.has(key)) {
      folders.set(key, { ...measured.data, name: named })
      warnings.push(...zeroNotes(measured.data, named))
    }
    if (adapter !== undefined && data === undefined && measured.part === 'train') {
      warnings.push(
        `${vectors} has no test part: these are the queries that adapters are trained on, and the figures flatter "${name}"`,
      )
    }
  }
  return { folders, warnings }
}

function folderKey({ vectors, options }: CandidateSpec): string | undefined {
  return vectors === undefined ? undefined : JSON.stringify([resolve(vectors), options.baseId])
}

const MARKS = { best: '*', tied: '=' } as const
/** Pairs listed; of more, only those with the best. */
const LISTED_PAIRS = 45

/** Describes what embedding takes, one line per base, and a sum if several send something. */
export function planLines(plans: readonly BasePlan[]): string[] {
  const lines = plans.map(({ base, timing, ...estimate }) => {
    if (!timing) return planText(base, estimate)
    const price = timing.cost ? `, about ${formatDollars(timing.cost)}` : ''
    return `${planText(base, estimate)}; ${count(timing.requests, 'request')} to time it (${count(timing.tokens, 'token')}${price})`
  })
  const sent = plans.filter(({ missing, timing }) => missing > 0 || timing)
  if (sent.length < 2) return lines
  const tokens = sent.reduce((sum, plan) => sum + plan.tokens + (plan.timing?.tokens ?? 0), 0)
  const cost = sent.reduce((sum, plan) => sum + (plan.cost ?? 0) + (plan.timing?.cost ?? 0), 0)
  const unknown = sent.filter(plan => plan.cost === undefined).map(({ base }) => base)
  const rest = unknown.length > 0 ? `; no price is known for ${unknown.join(', ')}` : ''
  return [...lines, `in all ${whole(tokens)} tokens${cost > 0 ? `, about ${formatDollars(cost)}` : ''}${rest}`]
}

/** Lays out the candidates, best first, and the pairs, each with its legend. */
export function compareText(report: CompareReport, file: string | undefined, style: Style = PLAIN, columns?: number) {
  const { candidates, queries, data, pairs, metric } = report
  const counts = `${count(queries, 'query', 'queries')}, ${count(data.documents, 'document')}`
  const head = `${count(candidates.length, 'candidate')} on ${file ?? data.name}: ${counts}; means with 95% CIs`
  const tied = candidates.some(({ rank }) => rank === 'tied')
  const sign = tied ? `; = not distinguishable from it (p >= ${SIGNIFICANCE} after Holm’s correction)` : ''
  const notes = [
    ...(pairs.length > 0 ? [`* best by ${metric}${sign}`] : []),
    ...(candidates.some(({ milliseconds }) => milliseconds) ? [timeNote(candidates)] : []),
  ]
  return [
    head,
    leaderboard(report, style),
    candidatesTable(report, style, columns),
    notes.join('\n'),
    pairsTable(report, style),
    report.hybrid === undefined ? '' : hybridText(report.hybrid, style),
  ]
    .filter(part => part !== '')
    .join('\n\n')
}

/** Lists the candidates by the metric that decides, with the difference of each to the best. */
function leaderboard({ candidates, pairs, metric }: CompareReport, style: Style): string {
  if (candidates.length < 2) return ''
  const rows = candidates.map(({ name, metrics, rank }, i) => {
    const pair = pairs.find(({ first, second }) => first === candidates[0].name && second === name)
    const verdict = rank === 'best' ? 'best' : rank === 'tied' ? 'not distinguishable from the best' : 'worse than the best'
    return [`${i + 1}`, name, metrics[metric].mean.toFixed(4), pair ? signed(-pair.mean) : '', verdict]
  })
  return formatTable([['', 'candidate', metric, 'difference', ''], ...rows], style)
}

function candidatesTable({ candidates }: CompareReport, style: Style, columns: number | undefined): string {
  const specs = Object.keys(candidates[0].metrics)
  const timed = candidates.some(({ milliseconds }) => milliseconds)
  const head = ['  candidate', ...specs, '$/M queries', ...(timed ? ['ms/query'] : []), 'dims', 'index', 'index/M docs']
  const rows = candidates.map(candidate => [
    `${candidate.rank && candidates.length > 1 ? MARKS[candidate.rank] : ' '} ${candidate.name}`,
    ...specs.map(spec => scoreText(candidate.metrics[spec])),
    costText(candidate.costPerMillionQueries),
    ...(timed ? [timeText(candidate)] : []),
    ...(candidate.dimensions === null
      ? ['', '', '']
      : [String(candidate.dimensions), bytes(candidate.indexBytes!), bytes(candidate.indexBytesPerMillion!)]),
  ])
  return wrapTable([head, ...rows], columns, style)
}

/** Lays out every pair, the better first. */
function pairsTable({ candidates: [best], pairs, metric }: CompareReport, style: Style): string {
  if (pairs.length === 0) return ''
  const listed = pairs.length > LISTED_PAIRS ? pairs.filter(({ first }) => first === best.name) : pairs
  const rows = listed.map(({ first, second, mean, low, high, p, holm }) => [
    `${first} - ${second}`,
    changeText(mean, holm < SIGNIFICANCE ? { low, high } : { low: -1, high: 1 }, style),
    `${signed(low)} to ${signed(high)}`,
    formatP(p),
    formatP(holm),
  ])
  const table = formatTable([[`difference in ${metric}`, 'mean', '95% CI', 'p-value', 'p-value (Holm)'], ...rows], style)
  return listed === pairs ? table : `${table}\n(${pairs.length - listed.length} other pairs with --json)`
}

/** { mean: 0.529, low: 0.49, high: 0.567 } -> "0.529 (.490-.567)" */
function scoreText({ mean, low, high }: CandidateReport['metrics'][string]): string {
  const [from, to] = [low, high].map(end => end.toFixed(3).replace(/^0/, ''))
  return `${mean.toFixed(3)} (${from}-${to})`
}

function costText(dollars: number | null): string {
  return dollars === null ? 'unknown' : dollars === 0 ? 'free' : formatDollars(dollars)
}

function timeText({ milliseconds, adapter }: CandidateReport): string {
  if (!milliseconds) return ''
  if (milliseconds.embedding !== null) return (milliseconds.embedding + milliseconds.adapter).toFixed(2)
  return adapter ? `${milliseconds.adapter.toFixed(2)} (adapter)` : 'not timed'
}

function timeNote(candidates: readonly CandidateReport[]): string {
  const untimed = candidates.some(({ milliseconds }) => milliseconds?.embedding === null)
  const rest = untimed ? '; (adapter): without embedding, which was not timed (--timing asks providers on the network)' : ''
  return `ms/query: embedding one query, not from the cache, and adapting it, on this machine (median)${rest}`
}

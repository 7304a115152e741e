import type { Comparison, Difference } from '../../evaluate/compare.js'
import type { Scores } from '../../evaluate/evaluator.js'
import type { LargestChanges } from '../../evaluate/largest-changes.js'
import type { Duel } from '../../pipeline/duel.js'
import type { HybridComparison } from '../../pipeline/hybrid-rows.js'
import type { Proof } from '../../pipeline/proof.js'
import type { SweepReport } from '../../pipeline/run-sweep.js'
import type { TrainingReport } from '../../pipeline/training.js'
import { optionWords } from '../../report/format.js'
import type { GateResult } from '../../train/gate.js'
import { signed } from '../../words.js'
import { formatTable } from './console.js'
import { PLAIN, type Style } from './style.js'
import { oneLine, visibleWidth } from './width.js'

/** Lays out one line per metric: base and, with an adapter, adapted and difference, with interval and p-value if known. */
function comparisonTable(base: Scores, adapted?: Scores, difference?: Comparison['difference'], style: Style = PLAIN) {
  const interval = difference ? ['95% CI', 'p-value'] : []
  const head = ['metric', 'base', ...(adapted ? ['adapted', 'difference', ...interval] : [])]
  const rows = Object.entries(base).map(([metric, value]) => {
    const d = difference?.[metric]
    return [
      metric,
      value.toFixed(4),
      ...(adapted ? [adapted[metric].toFixed(4), changeText(adapted[metric] - value, d, style)] : []),
      ...(d ? [`${signed(d.low)} to ${signed(d.high)}`, formatP(d.p)] : []),
    ]
  })
  return formatTable([head, ...rows], style)
}

/** Formats a change with its sign; green or red if significant, that is if its interval excludes 0. */
export function changeText(change: number, interval: Pick<Difference, 'low' | 'high'> | undefined, style: Style) {
  const { low, high } = interval ?? { low: change, high: change }
  const text = signed(change)
  return low > 0 ? style.green(text) : high < 0 ? style.red(text) : text
}

/** "+0.0500 (95% CI +0.0100 to +0.0900)" */
export const withInterval = ({ mean, low, high }: Difference): string =>
  `${signed(mean)} (95% CI ${signed(low)} to ${signed(high)})`

export function gateLine({ passed, kept, reason }: GateResult, { green, yellow }: Style): string {
  const verdict = passed ? green('passed') : yellow(kept ? 'rejected, adapter saved all the same' : 'rejected')
  return `gate       ${verdict}: ${reason}`
}

/** Says how the new adapter did against the one in use. */
export function duelLine({ replaces, reason, queries }: Duel, { green, yellow }: Style): string {
  if (queries === 0) return `in use     ${reason}`
  return `in use     ${replaces ? green('replaced') : yellow('kept')}: ${reason}`
}

/** Facts in {@link proofText}, from `train` and `evaluate` alike. */
export type ProofFacts = Partial<
  Pick<Proof, 'difference' | 'wins' | 'ties' | 'losses' | 'seen' | 'unseen' | 'largest' | 'whole'>
> & { readonly metrics: { readonly base: Scores; readonly adapted?: Scores } }

/** Lays out a proof: every metric, wins and losses by query, seen and unseen documents, the largest changes. */
export function proofText(proof: ProofFacts, style: Style = PLAIN): string {
  const { metrics, difference, largest, wins, ties, losses, seen, unseen, whole } = proof
  const lines = [comparisonTable(metrics.base, metrics.adapted, difference, style)]
  if (!largest) return lines[0]
  const { metric } = largest
  if (whole) lines.push(`\nbase model with all ${whole.dimensions} dimensions: ${metric} ${whole.metrics[metric].toFixed(4)}`)
  lines.push(`\n${metric} by query: ${wins} better, ${ties} the same, ${losses} worse`)
  const documents = { 'seen documents (with training queries)': seen, 'unseen documents (no training queries)': unseen }
  for (const [words, part] of Object.entries(documents)) {
    if (!part || !('metrics' in part)) continue
    const { base, adapted } = part.metrics
    const d = part.difference[metric]
    const change = `${changeText(d.mean, d, style)}, ${signed(d.low)} to ${signed(d.high)}, p ${formatP(d.p).replace(/^(?!<)/, '= ')}`
    lines.push(
      `${count(part.queries, 'query', 'queries')} on ${words}: ${metric} ${base[metric].toFixed(4)} -> ${adapted[metric].toFixed(4)} (${change})`,
    )
  }
  return [...lines, ...changesLines(largest, style)].join('\n')
}

/** 0.0412 -> "0.041", 0.0002 -> "<0.001" */
export const formatP = (p: number): string => (p < 0.001 ? '<0.001' : p.toFixed(3))

/** Columns of a query's text. */
const SHOWN = 70

/** Lists the queries that gained and lost most, with the rank of their first relevant document before and after. */
function changesLines({ wins, losses, depth }: LargestChanges, style: Style): string[] {
  const rank = (r: number | null): string => (r === null ? `>${depth}` : String(r))
  return Object.entries({ 'largest wins': wins, 'largest losses': losses }).flatMap(([title, changes]) => {
    const lines = changes.map(
      ({ queryId, text, baseRank, adaptedRank }) =>
        `  ${rank(baseRank).padStart(5)} -> ${rank(adaptedRank).padEnd(5)} ${oneLine(text ?? queryId, SHOWN)}`,
    )
    return lines.length > 0 ? [`\n${style.bold(title)} (rank before -> after)`, ...lines] : []
  })
}

/** 1, "epoch" -> "1 epoch"; 1200, "query", "queries" -> "1200 queries" */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

export function sweepTable({ metric, base, lines }: SweepReport['sweep'], style: Style = PLAIN): string {
  const rows = lines.map(({ options, score, difference: d, seconds }) => [
    optionWords(options),
    score.toFixed(4),
    changeText(d.mean, d, style),
    `${signed(d.low)} to ${signed(d.high)}`,
    formatP(d.holm),
    seconds.toFixed(1),
  ])
  const head = ['options', metric, 'difference', '95% CI', 'p-value (Holm)', 'seconds']
  return formatTable([head, ...rows, ['base', base.toFixed(4), '', '', '', '']], style)
}

export function memoryLines({ memory, memoryHint }: TrainingReport, metric: string): string[] {
  if (memoryHint !== undefined) {
    const gain = `${signed(memoryHint)} ${metric} out of fold in a quick check, which may be optimistic`
    return [`hint       --kind linear-memory may help: ${gain}`]
  }
  if (!memory) return []
  const found = `${signed(memory.gain)} out-of-fold ${metric} (standard error ${memory.standardError.toFixed(4)})`
  if (!memory.chosen) return [`memory     none, plain linear: the best one changes ${found}, not significant`]
  const { queries = 0, distinct = 0, bytes = 0, multiplyAdds = 0, microseconds = 0 } = memory
  const of = queries < distinct ? ` of ${distinct}` : ''
  const beside = memory.onIdentity ? 'the unadapted query' : 'linear'
  return [
    `memory     ${found} beside ${beside}, beta ${memory.beta}, z0 ${memory.z0}`,
    `           ${count(queries, 'query', 'queries')}${of}, ${(bytes / 1e6).toFixed(1)} MB of weights; a query costs ${(multiplyAdds / 1e6).toFixed(2)} million multiply-adds, ${microseconds} microseconds here`,
  ]
}

/** Lines of a training report about text terms, and about the linear part that is left where the text is not seen. */
export function termsLines({ terms, linearPart }: TrainingReport, metric: string): string[] {
  if (!terms) return []
  const { source, alpha, rows = 0, bytes = 0, microseconds = 0, corpus, gain, linear, ownCorpus, note } = terms
  const of = ({ gain, standardError, p }: typeof terms.gain) =>
    `${signed(gain)} out-of-fold ${metric} (standard error ${standardError.toFixed(4)}, p ${formatP(p)})`
  const more = note === undefined ? [] : [`           ${note}`]
  if (source === undefined) return [`terms      none: the words of the queries do not help out of fold`, ...more]
  const lines = [
    `terms      ${source}, alpha ${alpha}: ${of(gain)}`,
    `           ${count(rows, source === 'words' ? 'row' : 'document')} in ${(bytes / 1e6).toFixed(1)} MB from ${count(corpus!.documents, 'document')}; a query costs ${microseconds} microseconds more here`,
    `           linear part ${linear.kept ? 'kept' : 'left out'}: ${of(linear)} beside them`,
    ...more,
  ]
  if (ownCorpus.length > 0)
    lines.push(`           figures on the ${ownCorpus.join(' and ')} set are with terms of its own corpus`)
  if (linearPart) {
    const { metrics, unseen } = linearPart
    const score = (of: typeof metrics): string => of.adapted[metric].toFixed(4)
    const beyond = unseen && 'metrics' in unseen ? `, ${score(unseen.metrics)} on documents without any training query` : ''
    lines.push(`           without the text of a query, the linear part alone: ${metric} ${score(metrics)}${beyond}`)
  }
  return lines
}

export function hybridText(hybrid: HybridComparison | string, style: Style = PLAIN): string {
  if (typeof hybrid === 'string') return `hybrid     ${hybrid}`
  const { metric, bm25, rows, pays } = hybrid
  const head = ['vectors', metric, 'rank fusion', 'tuned hybrid', 'weight', 'tuned - vectors', '95% CI', 'p-value']
  const lines = rows.map(({ name, vectors, rrf, tuned, weight, difference: { tuned: d } }) => [
    ...[name, vectors.toFixed(4), rrf.toFixed(4), tuned.toFixed(4), weight.toFixed(2)],
    ...[changeText(d.mean, d, style), `${signed(d.low)} to ${signed(d.high)}`, formatP(d.p)],
  ])
  const title = style.bold(`with a search by words (BM25 alone: ${metric} ${bm25.toFixed(4)})`)
  return `${title}\n\n${formatTable([head, ...lines], style)}\n\nwhat pays  ${pays}`
}

const GAP = 2

/** Fits a table to a terminal: columns without room go to further tables below, each with the first column again. */
export function wrapTable(rows: readonly (readonly string[])[], columns: number | undefined, style: Style = PLAIN) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map(cells => visibleWidth(cells[i]))))
  const tables: number[][] = []
  let room = 0
  for (let i = 1; i < widths.length; i++) {
    room -= GAP + widths[i]
    if (tables.length === 0 || room < 0) {
      tables.push([0])
      room = (columns ?? Number.POSITIVE_INFINITY) - widths[0] - GAP - widths[i]
    }
    tables.at(-1)!.push(i)
  }
  const cut = (picked: readonly number[]) => rows.map(cells => picked.map(i => cells[i]))
  return tables.map(picked => formatTable(cut(picked), style)).join('\n\n')
}

import { signed } from '../math/signed.js'
import { SIGNIFICANCE } from '../math/statistics/holm.js'
import type { CandidateReport, CompareReport } from '../pipeline/compare/compare-report.js'
import type { BasePlan } from '../pipeline/compare/plan-compare.js'
import { bytes } from '../report/format.js'
import { formatTable } from './output/console.js'
import { PLAIN, type Style } from './output/style.js'
import { changeText, count, formatP } from './output/tables.js'
import { wrapTable } from './output/wrap-table.js'
import { formatDollars, planText } from './session.js'

const MARKS = { best: '*', tied: '=' } as const

/** Most pairs that are listed; of more, those with the best. */
const LISTED_PAIRS = 45

/** What embedding takes, one line a base, and a sum where several send something. */
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
  return [
    ...lines,
    `in all ${tokens.toLocaleString('en')} tokens${cost > 0 ? `, about ${formatDollars(cost)}` : ''}${rest}`,
  ]
}

/**
 * The candidates, best first, and the pairs, each with what its signs mean.
 * @param file that of the data; absent where the vectors bring them
 * @param columns those of the terminal; absent where there is none
 */
export function compareText(
  report: CompareReport,
  file: string | undefined,
  style: Style = PLAIN,
  columns?: number,
): string {
  const { candidates, queries, data, pairs, metric } = report
  const counts = `${count(queries, 'query', 'queries')}, ${count(data.documents, 'document')}`
  const head = `${count(candidates.length, 'candidate')} on ${file ?? data.name}: ${counts}; means with 95 % intervals`
  const tied = candidates.some(({ rank }) => rank === 'tied')
  const sign = tied ? `; = not distinguishable from it (p >= ${SIGNIFICANCE} after Holm’s correction)` : ''
  const notes = [
    ...(pairs.length > 0 ? [`* best by ${metric}${sign}`] : []),
    ...(candidates.some(({ milliseconds }) => milliseconds) ? [timeNote(candidates)] : []),
  ]
  return [head, candidatesTable(report, style, columns), notes.join('\n'), pairsTable(report, style)]
    .filter(part => part !== '')
    .join('\n\n')
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
    String(candidate.dimensions),
    bytes(candidate.indexBytes),
    bytes(candidate.indexBytesPerMillion),
  ])
  return wrapTable([head, ...rows], columns, style)
}

/** Every pair, the better first. */
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
  const table = formatTable([[`difference in ${metric}`, 'mean', '95 % interval', 'p', 'p (Holm)'], ...rows], style)
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
  const rest = untimed
    ? '; (adapter): without embedding, which was not timed (--timing asks providers on the network)'
    : ''
  return `ms/query: embedding one query, not from the cache, and adapting it, on this machine (median)${rest}`
}

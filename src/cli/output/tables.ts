import type { Comparison } from '../../evaluate/compare.js'
import type { Scores } from '../../evaluate/evaluator.js'
import type { LargestChanges } from '../../evaluate/largest-changes.js'
import { signed } from '../../math/signed.js'
import type { Proof } from '../../pipeline/proof.js'
import type { GateResult } from '../../train/gate.js'
import { formatTable } from './console.js'
import { PLAIN, type Style } from './style.js'
import { oneLine } from './visible-width.js'

/** One line a metric: base, and where there is an adapter, adapted and difference, with interval and p where they are known. */
function comparisonTable(
  base: Scores,
  adapted?: Scores,
  difference?: Comparison['difference'],
  style: Style = PLAIN,
): string {
  const interval = difference ? ['95 % interval', 'p'] : []
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

/** A change with its sign; green or red where it is proven, which means that its interval excludes 0. */
export function changeText(
  change: number,
  interval: { readonly low: number; readonly high: number } | undefined,
  style: Style,
): string {
  const { low, high } = interval ?? { low: change, high: change }
  const text = signed(change)
  return low > 0 ? style.green(text) : high < 0 ? style.red(text) : text
}

/** What the gate said. */
export function gateLine({ passed, kept, reason }: GateResult, { green, yellow }: Style): string {
  const verdict = passed ? green('passed') : yellow(kept ? 'failed, kept all the same' : 'failed, identity saved')
  return `gate       ${verdict}: ${reason}`
}

/** What {@link proofText} shows; `train` and `evaluate` report it alike. */
export type ProofFacts = Partial<
  Pick<Proof, 'difference' | 'wins' | 'ties' | 'losses' | 'seen' | 'unseen' | 'largest' | 'whole'>
> & {
  readonly metrics: { readonly base: Scores; readonly adapted?: Scores }
}

/** A proof in lines: every metric, wins and losses by query, seen and unseen documents, the largest changes. */
export function proofText(
  { metrics, difference, largest, wins, ties, losses, ...parts }: ProofFacts,
  style: Style = PLAIN,
): string {
  const lines = [comparisonTable(metrics.base, metrics.adapted, difference, style)]
  if (!largest) return lines[0]
  const { metric } = largest
  if (parts.whole) {
    const { dimensions, metrics: whole } = parts.whole
    lines.push(`\nthe base with all ${dimensions} dimensions: ${metric} ${whole[metric].toFixed(4)}`)
  }
  lines.push(`\n${metric} by query: ${wins} better, ${ties} the same, ${losses} worse`)
  for (const [part, words] of [
    [parts.seen, 'with training queries'],
    [parts.unseen, 'without any training query'],
  ] as const) {
    if (!part || !('metrics' in part)) continue
    const { base, adapted } = part.metrics
    const d = part.difference[metric]
    const change = `${changeText(d.mean, d, style)}, ${signed(d.low)} to ${signed(d.high)}, p ${formatP(d.p).replace(/^(?!<)/, '= ')}`
    lines.push(
      `${count(part.queries, 'query', 'queries')} on documents ${words}: ${metric} ${base[metric].toFixed(4)} -> ${adapted[metric].toFixed(4)} (${change})`,
    )
  }
  const changes = changesTable(largest, style)
  return [...lines, ...(changes ? [changes] : [])].join('\n')
}

/** 0.0412 -> "0.041", 0.0002 -> "<0.001" */
export function formatP(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3)
}

/** Columns of a query's text that are shown. */
const SHOWN = 70

/** The queries that gained and lost most, with the rank of their first relevant document before and after. */
export function changesTable({ wins, losses, depth }: LargestChanges, style: Style = PLAIN): string {
  const rank = (r: number | null): string => (r === null ? `>${depth}` : String(r))
  const list = (title: string, changes: LargestChanges['wins']): string[] =>
    changes.length === 0
      ? []
      : [
          `\n${style.bold(title)} (rank before -> after)`,
          ...changes.map(
            ({ queryId, text, baseRank, adaptedRank }) =>
              `  ${rank(baseRank).padStart(5)} -> ${rank(adaptedRank).padEnd(5)} ${oneLine(text ?? queryId, SHOWN)}`,
          ),
        ]
  return [...list('largest wins', wins), ...list('largest losses', losses)].join('\n')
}

/** 1, "epoch" -> "1 epoch"; 1200, "query", "queries" -> "1200 queries" */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

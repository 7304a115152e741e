import type { Comparison } from '../evaluate/compare.js'
import type { Scores } from '../evaluate/evaluator.js'
import type { LargestChanges } from '../evaluate/largest-changes.js'
import type { Proof } from '../pipeline/proof.js'
import { formatTable } from './console.js'

/** One line a metric: base, and where there is an adapter, adapted and difference, with interval and p where they are known. */
export function comparisonTable(base: Scores, adapted?: Scores, difference?: Comparison['difference']): string {
  const interval = difference ? ['95 % interval', 'p'] : []
  const head = ['metric', 'base', ...(adapted ? ['adapted', 'difference', ...interval] : [])]
  const rows = Object.entries(base).map(([metric, value]) => {
    const d = difference?.[metric]
    return [
      metric,
      value.toFixed(4),
      ...(adapted ? [adapted[metric].toFixed(4), signed(adapted[metric] - value)] : []),
      ...(d ? [`${signed(d.low)} to ${signed(d.high)}`, formatP(d.p)] : []),
    ]
  })
  return formatTable([head, ...rows])
}

/** What {@link proofText} shows; `train` and `evaluate` report it alike. */
export type ProofFacts = Partial<
  Pick<Proof, 'difference' | 'wins' | 'ties' | 'losses' | 'seen' | 'unseen' | 'largest' | 'whole'>
> & {
  readonly metrics: { readonly base: Scores; readonly adapted?: Scores }
}

/** A proof in lines: every metric, wins and losses by query, seen and unseen documents, the largest changes. */
export function proofText({ metrics, difference, largest, wins, ties, losses, ...parts }: ProofFacts): string {
  const lines = [comparisonTable(metrics.base, metrics.adapted, difference)]
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
    const change = `${signed(d.mean)}, ${signed(d.low)} to ${signed(d.high)}, p ${formatP(d.p).replace(/^(?!<)/, '= ')}`
    lines.push(
      `${count(part.queries, 'query', 'queries')} on documents ${words}: ${metric} ${base[metric].toFixed(4)} -> ${adapted[metric].toFixed(4)} (${change})`,
    )
  }
  const changes = changesTable(largest)
  return [...lines, ...(changes ? [changes] : [])].join('\n')
}

/** 0.0412 -> "0.041", 0.0002 -> "<0.001" */
export function formatP(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3)
}

/** Characters of a query's text that are shown. */
const SHOWN = 70

/** The queries that gained and lost most, with the rank of their first relevant document before and after. */
export function changesTable({ wins, losses, depth }: LargestChanges): string {
  const rank = (r: number | null): string => (r === null ? `>${depth}` : String(r))
  const list = (title: string, changes: LargestChanges['wins']): string[] =>
    changes.length === 0
      ? []
      : [
          `\n${title} (rank before -> after)`,
          ...changes.map(({ queryId, text, baseRank, adaptedRank }) => {
            const shown = (text ?? queryId).replace(/\s+/g, ' ')
            return `  ${rank(baseRank).padStart(5)} -> ${rank(adaptedRank).padEnd(5)} ${shown.length > SHOWN ? `${shown.slice(0, SHOWN - 1)}…` : shown}`
          }),
        ]
  return [...list('largest wins', wins), ...list('largest losses', losses)].join('\n')
}

/** 0.04 -> "+0.0400" */
export function signed(x: number): string {
  return `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(4)}`
}

/** 1, "epoch" -> "1 epoch"; 1200, "query", "queries" -> "1200 queries" */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

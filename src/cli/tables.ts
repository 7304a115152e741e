import type { Comparison } from '../evaluate/compare.js'
import type { Scores } from '../evaluate/evaluator.js'
import type { LargestChanges } from '../evaluate/largest-changes.js'
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
      ...(d ? [`${signed(d.low)} to ${signed(d.high)}`, d.p < 0.001 ? '<0.001' : d.p.toFixed(3)] : []),
    ]
  })
  return formatTable([head, ...rows])
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

function signed(x: number): string {
  return `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(4)}`
}

/** 1, "epoch" -> "1 epoch"; 1200, "query", "queries" -> "1200 queries" */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

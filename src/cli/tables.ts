import type { Scores } from '../evaluate/evaluator.js'
import { formatTable } from './console.js'

/** One line a metric: base, and where there is an adapter, adapted and difference. */
export function comparisonTable(base: Scores, adapted?: Scores): string {
  const head = ['metric', 'base', ...(adapted ? ['adapted', 'difference'] : [])]
  const rows = Object.entries(base).map(([metric, value]) => [
    metric,
    value.toFixed(4),
    ...(adapted ? [adapted[metric].toFixed(4), signed(adapted[metric] - value)] : []),
  ])
  return formatTable([head, ...rows])
}

function signed(x: number): string {
  return `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(4)}`
}

/** 1, "epoch" -> "1 epoch"; 1200, "query", "queries" -> "1200 queries" */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

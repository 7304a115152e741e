import type { SweepReport } from '../pipeline/run-sweep.js'
import type { FixedOptions } from '../train/candidate.js'
import { formatTable } from './console.js'
import { kebab } from './find-command.js'
import { formatP, signed } from './tables.js'

/** The combinations in the order of their out-of-fold metric, with the base below. */
export function sweepTable({ metric, base, lines }: SweepReport['sweep']): string {
  const rows = lines.map(({ options, score, difference: d, seconds }) => [
    optionWords(options),
    score.toFixed(4),
    signed(d.mean),
    `${signed(d.low)} to ${signed(d.high)}`,
    formatP(d.holm),
    seconds.toFixed(1),
  ])
  const head = ['options', metric, 'difference', '95 % interval', 'p (Holm)', 'seconds']
  return formatTable([head, ...rows, ['base', base.toFixed(4), '', '', '', '']])
}

/** `{ batchSize: 8, pull: 10 }` -> "batch-size 8, pull 10" */
export function optionWords(options: FixedOptions): string {
  const words = Object.entries(options).map(([name, value]) => `${kebab(name)} ${value}`)
  return words.length > 0 ? words.join(', ') : 'recipe'
}

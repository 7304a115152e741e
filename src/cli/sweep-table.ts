import type { SweepReport } from '../pipeline/run-sweep.js'
import { optionWords } from '../report/option-words.js'
import { formatTable } from './console.js'
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

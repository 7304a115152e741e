import { signed } from '../../math/signed.js'
import type { SweepReport } from '../../pipeline/run-sweep.js'
import { optionWords } from '../../report/option-words.js'
import { formatTable } from './console.js'
import { PLAIN, type Style } from './style.js'
import { changeText, formatP } from './tables.js'

/** The combinations in the order of their out-of-fold metric, with the base below. */
export function sweepTable({ metric, base, lines }: SweepReport['sweep'], style: Style = PLAIN): string {
  const rows = lines.map(({ options, score, difference: d, seconds }) => [
    optionWords(options),
    score.toFixed(4),
    changeText(d.mean, d, style),
    `${signed(d.low)} to ${signed(d.high)}`,
    formatP(d.holm),
    seconds.toFixed(1),
  ])
  const head = ['options', metric, 'difference', '95 % interval', 'p (Holm)', 'seconds']
  return formatTable([head, ...rows, ['base', base.toFixed(4), '', '', '', '']], style)
}

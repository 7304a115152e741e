import { SIGNIFICANCE } from '../../math/statistics/moments.js'
import { change, counted, interval, metricName, optionWords, pValue, score, whole } from '../format.js'
import { drawIntervals } from '../intervals.js'
import { COLORS, type SectionMaker, section, type Table } from '../page.js'

const DRAWN = 25

/** The combinations of a sweep against the base model, out of fold. */
export const sweepSection: SectionMaker = ({ sweep }) => {
  if (!sweep) return undefined
  const { metric, base, lines, folds, queries } = sweep
  const name = metricName(metric)
  const isBetter = ({ mean, holm }: { mean: number; holm: number }) => mean > 0 && holm < SIGNIFICANCE
  const better = lines.filter(({ difference }) => isBetter(difference)).length
  const table: Table = {
    caption: 'Combinations of options, best first',
    head: ['options', `out-of-fold ${name}`, 'difference', '95% interval', 'p (Holm)', 'seconds'],
    rows: [
      ...lines.map(({ options, score: value, difference, seconds }) => [
        ...[optionWords(options), score(value), change(difference.mean), interval(difference)],
        ...[pValue(difference.holm), seconds.toFixed(1)],
      ]),
      ['base', score(base), '', '', '', ''],
    ],
  }
  const rows = lines.slice(0, DRAWN).map(({ options, difference }) => ({
    ...difference,
    label: optionWords(options),
    color: COLORS.adapted,
    isOpen: !isBetter(difference),
  }))
  const seconds = lines.reduce((sum, line) => sum + line.seconds, 0)
  return section(
    'sweep',
    'Combinations of options',
    `${counted(lines.length, 'combination')} by cross-validation in ${folds} folds over ${whole(queries)} queries, ${seconds.toFixed(1)} s; ${whole(better)} ${better === 1 ? 'is' : 'are'} better than the base model after correction for their number. The base model has ${score(base)}. The best of many looks better out of fold than it is; a test set gives an unbiased figure.`,
    {
      caption: `Out-of-fold ${name} minus that of the base model with the 95% bootstrap interval${rows.length < lines.length ? `, the ${rows.length} best combinations` : ''}. Filled: better than the base model after Holm's correction for all ${whole(lines.length)}. The first one was trained.`,
      table,
      draw: drawIntervals(rows),
    },
  )
}

import { SIGNIFICANCE } from '../../math/statistics/holm.js'
import { fitted } from '../fitted.js'
import { change, interval, metricName, pValue, score, whole } from '../format.js'
import { optionWords } from '../option-words.js'
import { COLORS, type Figure, type SectionMaker, type Table } from '../section.js'

/** Combinations that are drawn, the best first; the table has them all. */
const DRAWN = 25

/** The combinations of a sweep against the base, out of fold. */
export const sweepSection: SectionMaker = ({ sweep }) => {
  if (!sweep) return undefined
  const { metric, base, lines, folds, queries } = sweep
  const name = metricName(metric)
  const proven = lines.filter(({ difference }) => difference.mean > 0 && difference.holm < SIGNIFICANCE).length
  const table: Table = {
    caption: 'Combinations of options, best first',
    head: ['options', `out-of-fold ${name}`, 'difference', '95 % interval', 'p (Holm)', 'seconds'],
    rows: [
      ...lines.map(({ options, score: value, difference, seconds: own }) => [
        optionWords(options),
        score(value),
        ...[change(difference.mean), interval(difference), pValue(difference.holm), own.toFixed(1)],
      ]),
      ['base', score(base), '', '', '', ''],
    ],
  }
  const drawn = lines.slice(0, DRAWN).map(({ options, difference }, i) => {
    const { mean, low, high, holm } = difference
    return { ...{ mean, low, high, key: i }, label: optionWords(options), isProven: mean > 0 && holm < SIGNIFICANCE }
  })
  const figure: Figure = {
    caption: `Out-of-fold ${name} minus that of the base with the 95 % bootstrap interval${drawn.length < lines.length ? `, the ${drawn.length} best combinations` : ''}. Filled: better than the base after Holm's correction for all ${whole(lines.length)}. The first one was trained.`,
    table,
    draw: (plot, width) => ({
      height: 44 + drawn.length * 40,
      ...{ marginLeft: 20, marginRight: 20, insetLeft: 8 },
      x: { grid: true, label: null, tickFormat: '+.2f', ticks: width < 500 ? 4 : 8 },
      y: { domain: drawn.map(({ key }) => key), axis: null, padding: 0.5 },
      marks: [
        plot.ruleX([0], { strokeWidth: 1.5 }),
        plot.ruleY(drawn, { x1: 'low', x2: 'high', y: 'key', stroke: COLORS.adapted, strokeWidth: 3 }),
        plot.dot(drawn, {
          ...{ x: 'mean', y: 'key', stroke: COLORS.adapted, strokeWidth: 2, r: 5 },
          fill: ({ isProven }: { isProven: boolean }) => (isProven ? COLORS.adapted : 'var(--surface)'),
        }),
        plot.text(drawn, {
          ...{ y: 'key', dx: 6, dy: -14, frameAnchor: 'left' as const, textAnchor: 'start' as const },
          ...{ stroke: 'var(--surface)', strokeWidth: 4, fill: 'currentColor' },
          text: ({ label }: { label: string }) => fitted(label, width - 40),
        }),
      ],
    }),
  }
  const seconds = lines.reduce((sum, line) => sum + line.seconds, 0)
  return {
    id: 'sweep',
    title: 'Combinations of options',
    blocks: [
      {
        type: 'text',
        text: `${whole(lines.length)} ${lines.length === 1 ? 'combination' : 'combinations'} by cross-validation in ${folds} folds over ${whole(queries)} queries, ${seconds.toFixed(1)} s; ${whole(proven)} ${proven === 1 ? 'is' : 'are'} better than the base after correction for their number. The base has ${score(base)}. The best of many looks better out of fold than it is; a test set shows it without that.`,
      },
      { type: 'figure', figure },
    ],
  }
}

import { SIGNIFICANCE } from '../../math/statistics/holm.js'
import { fitted } from '../fitted.js'
import { change, interval, metricName, pValue, whole } from '../format.js'
import { COLORS, type Figure, type SectionMaker, type Table } from '../section.js'
import type { ComparisonReport } from './comparison.js'

/** Differences that are drawn. */
const DRAWN = 25

/** The best candidate against each other one, and every pair in a table. */
export const pairsSection: SectionMaker<ComparisonReport> = ({ comparison }) => {
  const { pairs, candidates, metric, queries, samples } = comparison
  if (pairs.length === 0) return undefined
  const name = metricName(metric)
  const best = candidates[0].name
  const table: Table = {
    caption: `Every pair by ${name}: first minus second`,
    head: ['first', 'second', 'difference', '95 % interval', 'p', 'p (Holm)'],
    rows: pairs.map(pair => [
      ...[pair.first, pair.second, change(pair.mean), interval(pair)],
      ...[pValue(pair.p), pValue(pair.holm)],
    ]),
    words: 2,
  }
  const rows = pairs.filter(({ first }) => first === best).slice(0, DRAWN)
  const figure: Figure = {
    caption: `${best} minus each other candidate in ${name}, with the 95 % bootstrap interval of the paired difference. Filled: told apart after Holm's correction.`,
    table,
    draw: (plot, width) => {
      const color = ({ holm }: { holm: number }) => (holm < SIGNIFICANCE ? COLORS.better : COLORS.same)
      return {
        height: 34 + rows.length * 40,
        ...{ marginLeft: 20, marginRight: 20, insetLeft: 6 },
        x: { grid: true, label: null, tickFormat: '+.2f', ticks: width < 500 ? 4 : 8, nice: true, zero: true },
        y: { domain: rows.map(({ second }) => second), axis: null, padding: 0.5 },
        marks: [
          plot.ruleX([0], { strokeWidth: 1.5 }),
          plot.ruleY(rows, {
            x1: 'low',
            x2: 'high',
            y: 'second',
            stroke: color,
            strokeWidth: 3,
            strokeLinecap: 'round',
          }),
          plot.dot(rows, {
            ...{ x: 'mean', y: 'second', stroke: color, strokeWidth: 2, r: 5 },
            fill: ({ holm }: { holm: number }) => (holm < SIGNIFICANCE ? COLORS.better : 'var(--surface)'),
          }),
          plot.text(rows, {
            ...{ y: 'second', dx: 10, dy: -15, frameAnchor: 'left' as const, textAnchor: 'start' as const },
            ...{ stroke: 'var(--surface)', strokeWidth: 4, fill: 'currentColor' },
            text: ({ second }: { second: string }) => fitted(second, width - 40),
          }),
        ],
      }
    },
  }
  return {
    id: 'pairs',
    title: 'Each against each',
    blocks: [
      {
        type: 'text',
        text: `${whole(pairs.length)} ${pairs.length === 1 ? 'pair' : 'pairs'} on the same ${whole(queries)} queries: paired randomisation test (${whole(samples.randomization)} samples), Holm's correction for all pairs, bootstrap intervals (${whole(samples.bootstrap)} samples).`,
      },
      { type: 'figure', figure },
    ],
  }
}

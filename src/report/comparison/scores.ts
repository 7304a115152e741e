import type { CandidateReport } from '../../pipeline/compare/compare-report.js'
import { fitted } from '../fitted.js'
import { metricName, score } from '../format.js'
import { COLORS, type Figure, type SectionMaker, type Table } from '../section.js'
import type { ComparisonReport } from './comparison.js'

/** Candidates that are drawn, the best first; the table has them all. */
const DRAWN = 25

/** Every metric of every candidate with its interval. */
export const scoresSection: SectionMaker<ComparisonReport> = ({ comparison: { candidates, metric } }) => {
  const specs = Object.keys(candidates[0].metrics)
  const ordered = [metric, ...specs.filter(spec => spec !== metric)]
  const table: Table = {
    caption: 'Every metric of the candidates with its 95 % interval, best first',
    head: ['candidate', '', ...ordered.map(metricName)],
    rows: candidates.map(({ name, rank, metrics }) => [
      ...[name, rankText(rank)],
      ...ordered.map(spec => {
        const { mean, low, high } = metrics[spec]
        return `${score(mean)} (${score(low)} to ${score(high)})`
      }),
    ]),
    words: 2,
  }
  const shown = candidates.slice(0, DRAWN)
  const figure = (spec: string, more: Partial<Figure>): Figure => ({
    caption: `${metricName(spec)}: mean over the queries with its 95 % bootstrap interval.`,
    ...more,
    draw: (plot, width) => {
      const rows = shown.map(({ name, metrics, rank }) => ({ name, rank, ...metrics[spec] }))
      const color = ({ rank }: Pick<CandidateReport, 'rank'>) =>
        rank === 'best' ? COLORS.better : rank === 'tied' ? COLORS.tied : COLORS.same
      return {
        height: 34 + rows.length * 40,
        ...{ marginLeft: 20, marginRight: 48, insetLeft: 6 },
        x: { grid: true, label: null, ticks: width < 500 ? 4 : 8, nice: true },
        y: { domain: rows.map(({ name }) => name), axis: null, padding: 0.5 },
        marks: [
          plot.ruleY(rows, { x1: 'low', x2: 'high', y: 'name', stroke: color, strokeWidth: 3, strokeLinecap: 'round' }),
          plot.dot(rows, { x: 'mean', y: 'name', fill: color, r: 5 }),
          plot.text(rows, {
            ...{ x: 'high', y: 'name', dx: 7, textAnchor: 'start' as const },
            text: ({ mean }: { mean: number }) => score(mean),
          }),
          plot.text(rows, {
            ...{ y: 'name', dx: 4, dy: -15, frameAnchor: 'left' as const, textAnchor: 'start' as const },
            ...{ stroke: 'var(--surface)', strokeWidth: 4, fill: 'currentColor' },
            text: ({ name }: { name: string }) => fitted(name, width - 40),
          }),
        ],
      }
    },
  })
  const legend = [
    { label: 'best', color: COLORS.better },
    { label: `cannot be told from it by ${metricName(metric)}`, color: COLORS.tied },
    { label: 'worse', color: COLORS.same },
  ].filter((_, i) => candidates.some(({ rank }) => rank === (['best', 'tied', undefined] as const)[i]))
  const left = candidates.length - shown.length
  return {
    id: 'scores',
    title: 'Scores',
    blocks: [
      ...(left > 0 ? [{ type: 'text', text: `The ${DRAWN} best are drawn; the table has all.` } as const] : []),
      ...ordered.map((spec, i) => ({
        type: 'figure' as const,
        figure: figure(spec, { ...(i === 0 ? { legend } : {}), ...(i === ordered.length - 1 ? { table } : {}) }),
      })),
    ],
  }
}

function rankText(rank: CandidateReport['rank']): string {
  return rank === 'best' ? 'best' : rank === 'tied' ? 'not distinguishable' : ''
}

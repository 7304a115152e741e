import type { CandidateReport } from '../../pipeline/compare/compare-report.js'
import { fitted } from '../fitted.js'
import { bytes, metricName, score, whole } from '../format.js'
import { COLORS, type Figure, type SectionMaker, type Table } from '../section.js'
import type { ComparisonReport } from './comparison.js'

/** What each candidate costs: money, time and room. */
export const costsSection: SectionMaker<ComparisonReport> = ({ comparison: { candidates, metric, data } }) => {
  const name = metricName(metric)
  const isTimed = candidates.some(({ milliseconds }) => milliseconds)
  const table: Table = {
    caption: 'Cost, time and room of the candidates',
    head: [
      'candidate',
      name,
      'US dollars for a million queries',
      ...(isTimed ? ['milliseconds of a query'] : []),
      'dimensions',
      `vectors of these ${whole(data.documents)} documents`,
      'of a million',
    ],
    rows: candidates.map(candidate => [
      candidate.name,
      score(candidate.metrics[metric].mean),
      costText(candidate.costPerMillionQueries),
      ...(isTimed ? [timeText(candidate)] : []),
      whole(candidate.dimensions),
      bytes(candidate.indexBytes),
      bytes(candidate.indexBytesPerMillion),
    ]),
  }
  const sizes = new Set(candidates.map(({ indexBytesPerMillion }) => indexBytesPerMillion))
  const figure: Figure = {
    caption: `${name} by the room that a million document vectors take as float32, each candidate a point: up is better, left is smaller.`,
    table,
    draw: (plot, width) => {
      const rows = candidates.map(({ name: label, metrics, indexBytesPerMillion: size, rank }) => ({
        ...{ label, size: size / 1e9, value: metrics[metric].mean, rank },
      }))
      const middle = (Math.min(...rows.map(({ size }) => size)) + Math.max(...rows.map(({ size }) => size))) / 2
      return {
        height: 280,
        ...{ marginLeft: 48, marginRight: 24, marginBottom: 42, inset: 14 },
        x: {
          label: 'GB for a million documents',
          labelAnchor: 'center',
          labelArrow: 'none',
          labelOffset: 36,
          grid: true,
          ticks: 5,
        },
        y: { label: null, grid: true, ticks: 5 },
        marks: [
          plot.dot(rows, {
            ...{ x: 'size', y: 'value', r: 6 },
            fill: ({ rank }: Pick<CandidateReport, 'rank'>) =>
              rank === 'best' ? COLORS.better : rank === 'tied' ? COLORS.tied : COLORS.same,
          }),
          // Beside the point, on the side where there is room.
          ...(['start', 'end'] as const).map(textAnchor =>
            plot.text(
              rows.filter(({ size }) => size <= middle === (textAnchor === 'start')),
              {
                ...{ x: 'size', y: 'value', dx: textAnchor === 'start' ? 11 : -11, textAnchor },
                ...{ stroke: 'var(--surface)', strokeWidth: 4, fill: 'currentColor' },
                text: ({ label }: { label: string }) => fitted(label, width / 2 - 50),
              },
            ),
          ),
        ],
      }
    },
  }
  const note = isTimed
    ? 'Time: the median of embedding one query without the cache and adapting it, on this machine. Room: float32 values, without what an index adds.'
    : 'Room: float32 values, without what an index adds.'
  return {
    id: 'costs',
    title: 'Cost, time and room',
    blocks: [
      { type: 'text', text: note },
      // Points above each other say nothing that the scores do not.
      sizes.size > 1 ? { type: 'figure', figure } : { type: 'table', table },
    ],
  }
}

function costText(dollars: number | null): string {
  return dollars === null ? 'unknown' : dollars === 0 ? 'free' : dollars.toFixed(dollars < 0.1 ? 4 : 2)
}

function timeText({ milliseconds, adapter }: CandidateReport): string {
  if (!milliseconds) return 'not timed'
  const { embedding, adapter: own } = milliseconds
  if (embedding !== null) return (embedding + own).toFixed(2)
  return adapter ? `${own.toFixed(2)} (adapter alone)` : 'not timed'
}

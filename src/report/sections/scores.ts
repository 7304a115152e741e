import { score, whole } from '../format.js'
import { COLORS, type SectionMaker, section, type Table } from '../page.js'

const BINS = 40
const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]

/** Distance of positives from the hardest negatives, before and after. */
export const scoresSection: SectionMaker = ({ detail }) => {
  const scores = detail?.scores
  if (!scores || scores.base.positives.length === 0) return undefined
  const systems = ['base', 'adapted'] as const
  const series = systems.flatMap(system => [
    { system, what: 'positive', values: scores[system].positives.toSorted() },
    { system, what: 'hardest negative', values: scores[system].hardestNegatives.toSorted() },
  ])
  const table: Table = {
    caption: 'Cosine similarity of the nearest positive and of the hardest negative, by share of the queries below it',
    head: ['', 'documents', ...QUANTILES.map(q => `${Math.round(q * 100)}%`)],
    words: 2,
    rows: series.map(({ system, what, values }) => [
      ...[system, what, ...QUANTILES.map(q => score(values[Math.round(q * (values.length - 1))]))],
    ]),
  }
  const low = Math.min(...series.map(({ values }) => values[0]))
  const high = Math.max(...series.map(({ values }) => values[values.length - 1]))
  const step = (high - low || 1) / BINS
  const binned = series.flatMap(({ system, what, values }) => {
    const counts = new Array<number>(BINS).fill(0)
    for (const value of values) counts[Math.min(BINS - 1, Math.floor((value - low) / step))]++
    const share = (count: number) => count / values.length
    return counts.map((n, i) => ({ system, what, x1: low + i * step, x2: low + (i + 1) * step, share: share(n) }))
  })
  const ahead = systems.map(system => {
    const { positives, hardestNegatives } = scores[system]
    return positives.reduce((sum, value, i) => sum + (value > hardestNegatives[i] ? 1 : 0), 0) / positives.length
  })
  const [before, after] = ahead.map(share => `${(share * 100).toFixed(1)}%`)
  const colors = Object.entries({ positive: COLORS.better, 'hardest negative': COLORS.worse })
  return section(
    'scores',
    'Scores of positives and hardest negatives',
    `The nearest positive scores above the hardest negative for ${before} of ${whole(scores.base.positives.length)} queries with the base model and for ${after} with the adapter.`,
    {
      caption:
        'Cosine similarity with the nearest positive and with the hardest negative, as shares of the queries; the less the two overlap, the better.',
      legend: colors.map(([label, color]) => ({ label, color })),
      table,
      draw: (plot, width) => ({
        height: width < 500 ? 300 : 340,
        marginLeft: 44,
        marginRight: 70,
        marginBottom: 40,
        x: { label: 'cosine similarity', labelAnchor: 'center', labelArrow: 'none', ticks: width < 500 ? 5 : 10 },
        y: { grid: true, label: null, percent: true, ticks: 3, tickFormat: (value: number) => `${value}%` },
        fy: { domain: [...systems], label: null, padding: 0.15 },
        marks: colors.map(([of, fill]) =>
          plot.rectY(
            binned.filter(({ what }) => what === of),
            { x1: 'x1', x2: 'x2', y: 'share', fy: 'system', fill, fillOpacity: 0.55, inset: 0 },
          ),
        ),
      }),
    },
  )
}

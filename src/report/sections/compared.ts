import { SIGNIFICANCE } from '../../math/statistics/moments.js'
import type { CandidateReport } from '../../pipeline/compare/run-compare.js'
import { bytes, change, counted, fitted, interval, metricName, pValue, range, score, whole } from '../format.js'
import { drawIntervals, OUTLINED } from '../intervals.js'
import { COLORS, type Figure, type SectionMaker, section, type Table } from '../page.js'
import type { ComparisonReport, Report } from '../report.js'
import { engineText, factsTable } from './data.js'

type Fact = Report['facts'][number]

const DRAWN = 25
const RANKS = { best: 'best', tied: 'not significantly different' } as const

const rankColor = ({ rank }: Pick<CandidateReport, 'rank'>): string =>
  rank === 'best' ? COLORS.better : rank === 'tied' ? COLORS.tied : COLORS.same

/** The candidates in order, with their distance from the best. */
export const leaderboardSection: SectionMaker<ComparisonReport> = ({ comparison: { candidates, metric, pairs } }) => {
  const gapOf = (name: string) => pairs.find(({ first, second }) => first === candidates[0].name && second === name)
  const rows = candidates.map(({ name, rank, metrics }, i) => {
    const gap = gapOf(name)
    const place = [`${i + 1}. ${name}`, rank ? RANKS[rank] : 'worse']
    return [...place, score(metrics[metric].mean), range(metrics[metric]), gap ? change(-gap.mean) : '']
  })
  const head = ['candidate', '', metricName(metric), '95% interval', 'difference from the best']
  const caption = `The candidates by ${metricName(metric)}, best first`
  return section('leaderboard', 'Leaderboard', { caption, head, rows, words: 2 })
}

/** Every metric of every candidate with its interval. */
export const scoresSection: SectionMaker<ComparisonReport> = ({ comparison: { candidates, metric } }) => {
  const ordered = [metric, ...Object.keys(candidates[0].metrics).filter(spec => spec !== metric)]
  const table: Table = {
    caption: 'Every metric of the candidates with its 95% interval, best first',
    head: ['candidate', '', ...ordered.map(metricName)],
    rows: candidates.map(({ name, rank, metrics }) => [
      ...[name, rank ? RANKS[rank] : ''],
      ...ordered.map(spec => `${score(metrics[spec].mean)} (${range(metrics[spec])})`),
    ]),
    words: 2,
  }
  const shown = candidates.slice(0, DRAWN)
  const meanings = [
    { rank: 'best', label: RANKS.best },
    { rank: 'tied', label: `${RANKS.tied} by ${metricName(metric)}` },
    { rank: undefined, label: 'worse' },
  ] as const
  const legend = meanings
    .filter(({ rank }) => candidates.some(candidate => candidate.rank === rank))
    .map(({ rank, label }) => ({ label, color: rankColor({ rank }) }))
  const figures = ordered.map((spec, i): Figure => {
    const rows = shown.map(({ name, metrics, rank }) => ({ label: name, ...metrics[spec], color: rankColor({ rank }) }))
    return {
      caption: `${metricName(spec)}: mean over the queries with its 95% bootstrap interval.`,
      legend: i === 0 ? legend : undefined,
      table: i === ordered.length - 1 ? table : undefined,
      draw: drawIntervals(rows, true),
    }
  })
  const note = candidates.length > DRAWN && `The ${DRAWN} best are drawn; the table has all.`
  return section('scores', 'Scores', note, ...figures)
}

/** The best candidate against each other one, and every pair in a table. */
export const pairsSection: SectionMaker<ComparisonReport> = ({ comparison }) => {
  const { pairs, candidates, metric, queries, samples } = comparison
  if (pairs.length === 0) return undefined
  const name = metricName(metric)
  const best = candidates[0].name
  const table: Table = {
    caption: `Every pair by ${name}: first minus second`,
    head: ['first', 'second', 'difference', '95% interval', 'p', 'p (Holm)'],
    rows: pairs.map(pair => [
      ...[pair.first, pair.second, change(pair.mean), interval(pair)],
      ...[pValue(pair.p), pValue(pair.holm)],
    ]),
    words: 2,
  }
  const rows = pairs.filter(({ first }) => first === best).slice(0, DRAWN)
  return section(
    'pairs',
    'Pairwise differences',
    `${counted(pairs.length, 'pair')} on the same ${whole(queries)} queries: paired randomisation test (${whole(samples.randomization)} samples), Holm's correction for all pairs, bootstrap intervals (${whole(samples.bootstrap)} samples).`,
    {
      caption: `${best} minus each other candidate in ${name}, with the 95% bootstrap interval of the paired difference. Filled: significant after Holm's correction.`,
      table,
      draw: drawIntervals(
        rows.map(({ second, holm, ...difference }) => {
          const isOpen = holm >= SIGNIFICANCE
          return { label: second, ...difference, isOpen, color: isOpen ? COLORS.same : COLORS.better }
        }),
      ),
    },
  )
}

export const costsSection: SectionMaker<ComparisonReport> = ({ comparison: { candidates, metric, data } }) => {
  const name = metricName(metric)
  const isTimed = candidates.some(({ milliseconds }) => milliseconds)
  const table: Table = {
    caption: 'Cost, time and size of the candidates',
    head: [
      ...['candidate', name, 'US dollars per million queries', ...(isTimed ? ['milliseconds per query'] : [])],
      ...['dimensions', `vectors of these ${whole(data.documents)} documents`, 'per million'],
    ],
    rows: candidates.map(candidate => [
      ...[candidate.name, score(candidate.metrics[metric].mean), costText(candidate.costPerMillionQueries)],
      ...(isTimed ? [timeText(candidate)] : []),
      ...[candidate.dimensions, candidate.indexBytes, candidate.indexBytesPerMillion].map((value, i) =>
        value === null ? '' : i === 0 ? whole(value) : bytes(value),
      ),
    ]),
  }
  const rows = candidates.flatMap(({ name: label, metrics, indexBytesPerMillion: size, rank }) =>
    size === null ? [] : [{ label, size: size / 1e9, value: metrics[metric].mean, fill: rankColor({ rank }) }],
  )
  const [least, most] = [Math.min(...rows.map(({ size }) => size)), Math.max(...rows.map(({ size }) => size))]
  const figure: Figure = {
    caption: `${name} by the size of a million document vectors as float32, each candidate a point: up is better, left is smaller.`,
    table,
    draw: (plot, width) => ({
      height: 280,
      marginLeft: 48,
      marginRight: 24,
      marginBottom: 42,
      inset: 14,
      x: { label: 'GB per million documents', labelAnchor: 'center', labelArrow: 'none', labelOffset: 36, grid: true, ticks: 5 },
      y: { label: null, grid: true, ticks: 5 },
      marks: [
        plot.dot(rows, { x: 'size', y: 'value', r: 6, fill: { value: 'fill', scale: null } }),
        // Beside the point, on the side with room.
        ...(['start', 'end'] as const).map(textAnchor =>
          plot.text(
            rows.filter(({ size }) => size <= (least + most) / 2 === (textAnchor === 'start')),
            {
              x: 'size',
              y: 'value',
              dx: textAnchor === 'start' ? 11 : -11,
              textAnchor,
              ...OUTLINED,
              text: ({ label }: { label: string }) => fitted(label, width / 2 - 50),
            },
          ),
        ),
      ],
    }),
  }
  const time = 'Time: the median of embedding one query without the cache and adapting it, on this machine. '
  const notes = `${isTimed ? time : ''}Size: float32 values, without what an index adds.`
  // Points above each other show nothing that the scores do not.
  return section('costs', 'Cost, time and size', notes, least < most ? figure : table)
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

/** The data, the base models and adapters of the candidates, and what embedding took. */
export const runSection: SectionMaker<ComparisonReport> = ({ comparison, facts }) => {
  const { data, candidates, embedding, seed } = comparison
  const sizes = `${whole(data.queries)} queries, ${whole(data.pairs)} pairs, ${whole(data.documents)} documents`
  const embedded = embedding.map(({ base, hits, misses, requests, tokens }): Fact => {
    const asked = `${whole(misses)} texts in ${whole(requests)} requests, ${whole(tokens)} tokens`
    return [`embedded by ${base}`, `${asked}; ${whole(hits)} from the cache`]
  })
  const table: Table = {
    caption: 'Candidates',
    head: ['candidate', 'base', 'adapter'],
    rows: candidates.map(({ name, base, adapter }) => [name, base, adapter ?? 'none']),
    words: 3,
  }
  const run: Fact[] = [
    ['data', `${data.name}: ${sizes}`],
    ...embedded,
    ['engine', engineText(comparison)],
    ['seed of the resampling', String(seed)],
  ]
  return section('data', 'Data and run', table, factsTable([...run, ...facts]))
}

import { digits, metricName, whole } from '../format.js'
import { COLORS, type Figure, type SectionMaker, type Table } from '../section.js'

/** Candidates that are drawn, the best first; the table has them all. */
const DRAWN = 15

/** What the tuner tried, and what it chose. */
export const tuningSection: SectionMaker = ({ tune, metric }) => {
  if (!tune || tune.tried.length === 0) return undefined
  const name = metricName(metric)
  const tried = tune.tried
    .map(candidate => ({
      ...candidate,
      chosen:
        candidate.negatives === tune.negatives &&
        candidate.temperature === tune.temperature &&
        candidate.c === tune.c &&
        (candidate.pseudoQueries === true) === (tune.pseudoQueries?.used === true),
    }))
    .toSorted((a, b) => b.score - a.score)
  const table: Table = {
    caption: 'Candidates of the tuner, best first',
    head: ['negatives', 'inverse temperature', 'c', 'pseudo-queries', `out-of-fold ${name}`, ''],
    rows: tried.map(({ negatives, temperature, c, pseudoQueries, score: value, chosen }) => [
      negatives,
      digits(temperature),
      digits(c),
      pseudoQueries ? 'yes' : 'no',
      value.toFixed(4),
      chosen ? 'chosen' : '',
    ]),
  }
  const rows = tried.slice(0, DRAWN).map((candidate, i) => ({
    ...candidate,
    label: `${candidate.negatives}, 1/τ ${digits(candidate.temperature)}, c ${digits(candidate.c)}${candidate.pseudoQueries ? ', pseudo' : ''}`,
    key: i,
  }))
  const figure: Figure = {
    caption: `Out-of-fold ${name} of the ${rows.length < tried.length ? `${rows.length} best candidates` : 'candidates'}; the chosen one is ringed.`,
    table,
    draw: (plot, width) => ({
      height: 44 + rows.length * 24,
      ...{ marginLeft: width < 500 ? 170 : 210, marginRight: 24 },
      x: { grid: true, label: null, ticks: width < 500 ? 2 : 6, nice: true, tickFormat: '.3f' },
      y: { domain: rows.map(({ key }) => key), tickFormat: (key: number) => rows[key].label, label: null, tickSize: 0 },
      marks: [
        plot.dot(rows, { x: 'score', y: 'key', fill: COLORS.adapted, r: 4 }),
        plot.dot(
          rows.filter(({ chosen }) => chosen),
          { x: 'score', y: 'key', stroke: 'currentColor', strokeWidth: 2, r: 8 },
        ),
      ],
    }),
  }
  const cut = tune.cut ? ` ${tune.cut}` : ''
  return {
    id: 'tuning',
    title: 'What the tuner tried',
    blocks: [
      {
        type: 'text',
        text: `${whole(tried.length)} candidates by cross-validation in ${tune.folds} folds over ${whole(tune.queries)} queries, ${tune.seconds.toFixed(1)} s; chosen: negatives ${tune.negatives}, inverse temperature ${digits(tune.temperature)}, c ${digits(tune.c)}.${cut}`,
      },
      { type: 'figure', figure },
    ],
  }
}

import { counted, digits, metricName, score, whole } from '../format.js'
import { COLORS, type Figure, type SectionMaker, section, type Table } from '../page.js'

/** Most epochs shown; of more, every n-th and the last. */
const MOST = 200

export const trainingSection: SectionMaker = ({ epochs: all = [], bestEpoch, metric }) => {
  if (all.length === 0) return undefined
  const every = Math.ceil(all.length / MOST)
  const epochs = all.filter((_, i) => i % every === 0 || i === all.length - 1)
  const measured = epochs.filter(epoch => epoch.metric !== undefined)
  const name = metricName(metric)
  const table: Table = {
    caption: 'Loss and validation metric of the epochs',
    head: ['epoch', 'loss', ...(measured.length > 0 ? [`validation ${name}`] : [])],
    rows: epochs.map(({ epoch, loss, metric: value }) => [
      `${epoch}${epoch === bestEpoch ? ' (kept)' : ''}`,
      digits(loss, 4),
      ...(measured.length > 0 ? [value === undefined ? '' : score(value)] : []),
    ]),
  }
  const curve = (y: 'loss' | 'metric', rows: typeof epochs, label: string, color: string): Figure => ({
    caption: `${label} by epoch.`,
    draw: (plot, width) => ({
      height: width < 500 ? 180 : 220,
      marginLeft: 56,
      marginRight: 20,
      marginBottom: 42,
      x: {
        label: 'epoch',
        labelAnchor: 'center',
        labelOffset: 36,
        labelArrow: 'none',
        ticks: tickEpochs(rows, width < 500 ? 5 : 10),
        tickFormat: 'd',
      },
      y: { grid: true, label: null, ticks: 5, nice: true },
      marks: [
        plot.lineY(rows, { x: 'epoch', y, stroke: color, strokeWidth: 2 }),
        rows.length > 40 ? null : plot.dot(rows, { x: 'epoch', y, fill: color, r: 3 }),
      ],
    }),
  })
  const figures: Figure[] = []
  if (epochs.length > 1) figures.push(curve('loss', epochs, 'Training loss', COLORS.base))
  if (measured.length > 1) figures.push(curve('metric', measured, `Validation ${name}`, COLORS.adapted))
  const last = figures.pop()
  const kept = bestEpoch ? ` The weights of epoch ${bestEpoch} were kept.` : ''
  const summary = `${counted(all.length, 'epoch')}.${kept}`
  return section('training', 'Training', summary, ...figures, last ? { ...last, table } : table)
}

/** About `most` epochs at equal distances. */
function tickEpochs(epochs: readonly { readonly epoch: number }[], most: number): number[] {
  const [first, last] = [epochs[0].epoch, epochs[epochs.length - 1].epoch]
  const step = Math.ceil((last - first + 1) / most)
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step)
}

const DRAWN = 15

/** The candidates that tuning tried, and the selected one. */
export const tuningSection: SectionMaker = ({ tune, metric }) => {
  if (!tune || tune.tried.length === 0) return undefined
  const name = metricName(metric)
  const tried = tune.tried
    .map(candidate => ({
      ...candidate,
      selected:
        candidate.negatives === tune.negatives &&
        candidate.scale === tune.scale &&
        candidate.pull === tune.pull &&
        (candidate.pseudoQueries === true) === (tune.pseudoQueries?.used === true),
    }))
    .toSorted((a, b) => b.score - a.score)
  const table: Table = {
    caption: 'Candidates of the tuner, best first',
    head: ['negatives', 'scale', 'pull', 'pseudo-queries', `out-of-fold ${name}`, ''],
    rows: tried.map(({ negatives, scale, pull, pseudoQueries, score: value, selected }) => [
      ...[negatives, digits(scale), digits(pull), pseudoQueries ? 'yes' : 'no'],
      ...[value.toFixed(4), selected ? 'selected' : ''],
    ]),
  }
  const rows = tried.slice(0, DRAWN).map(({ negatives, scale, pull, pseudoQueries, ...candidate }, key) => ({
    ...candidate,
    label: `${negatives}, scale ${digits(scale)}, pull ${digits(pull)}${pseudoQueries ? ', pseudo' : ''}`,
    key,
  }))
  const labelOf = (key: number): string => rows[key].label
  return section(
    'tuning',
    'Tuning',
    `${whole(tried.length)} candidates by cross-validation in ${tune.folds} folds over ${whole(tune.queries)} queries, ${tune.seconds.toFixed(1)} s; selected: negatives ${tune.negatives}, scale ${digits(tune.scale)}, pull ${digits(tune.pull)}.${tune.cut ? ` ${tune.cut}` : ''}`,
    {
      caption: `Out-of-fold ${name} of the ${rows.length < tried.length ? `${rows.length} best candidates` : 'candidates'}; the selected one is ringed.`,
      table,
      draw: (plot, width) => ({
        height: 44 + rows.length * 24,
        marginLeft: width < 500 ? 170 : 220,
        marginRight: 24,
        x: { grid: true, label: null, ticks: width < 500 ? 2 : 6, nice: true },
        y: { type: 'point', domain: [...rows.keys()], tickFormat: labelOf, label: null, tickSize: 0 },
        marks: [
          plot.dot(rows, { x: 'score', y: 'key', fill: COLORS.adapted, r: 4 }),
          plot.dot(
            rows.filter(({ selected }) => selected),
            { x: 'score', y: 'key', stroke: 'currentColor', strokeWidth: 2, r: 8 },
          ),
        ],
      }),
    },
  )
}

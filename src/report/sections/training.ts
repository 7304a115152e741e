import { digits, metricName, score } from '../format.js'
import { COLORS, type Figure, type SectionMaker, type Table } from '../section.js'

/** Epochs that are shown at the most; of more, every n-th and the last. */
const MOST = 200

/** Loss and validation metric, epoch by epoch. */
export const trainingSection: SectionMaker = ({ epochs: all, bestEpoch, metric }) => {
  if (!all || all.length === 0) return undefined
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
  const curve = (key: 'loss' | 'metric', rows: typeof epochs, label: string, color: string): Figure => ({
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
        ticks: tickEpochs(rows, width < 500 ? 5 : 10),
        tickFormat: 'd',
        labelArrow: 'none',
      },
      y: { grid: true, label: null, ticks: 5, nice: true },
      marks: [
        plot.lineY(rows, { x: 'epoch', y: key, stroke: color, strokeWidth: 2 }),
        ...(rows.length > 40 ? [] : [plot.dot(rows, { x: 'epoch', y: key, fill: color, r: 3 })]),
      ],
    }),
  })
  const figures = [
    ...(epochs.length > 1 ? [curve('loss', epochs, 'Training loss', COLORS.base)] : []),
    ...(measured.length > 1 ? [curve('metric', measured, `Validation ${name}`, COLORS.adapted)] : []),
  ]
  const kept = bestEpoch ? ` The weights of epoch ${bestEpoch} were kept.` : ''
  return {
    id: 'training',
    title: 'Training',
    blocks: [
      { type: 'text', text: `${all.length} ${all.length === 1 ? 'epoch' : 'epochs'}.${kept}` },
      ...(figures.length > 0
        ? figures.map(
            (figure, i) =>
              ({ type: 'figure', figure: i === figures.length - 1 ? { ...figure, table } : figure }) as const,
          )
        : [{ type: 'table', table } as const]),
    ],
  }
}

/** About `most` epochs at equal distances. */
function tickEpochs(epochs: readonly { readonly epoch: number }[], most: number): number[] {
  const [first, last] = [epochs[0].epoch, epochs[epochs.length - 1].epoch]
  const step = Math.ceil((last - first + 1) / most)
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step)
}

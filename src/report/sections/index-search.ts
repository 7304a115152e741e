import { digits, score, whole } from '../format.js'
import { COLORS, type Figure, type SectionMaker, section, type Table } from '../page.js'

/** The own search of an index beside the exact one, and its recall by effort. */
export const indexSection: SectionMaker = ({ index, metrics }) => {
  const own = metrics?.index
  if (!index || !own || !metrics) return undefined
  const sides = own.adapted ? (['base', 'adapted'] as const) : (['base'] as const)
  const found = sides.map(side => `${digits(100 * index.recall[side]!, 3)}% for ${side} queries`).join(' and ')
  const table: Table = {
    caption: 'Metrics by the exact search and by the index',
    head: ['metric', ...sides.map(side => `exact, ${side}`), ...sides.map(side => `index, ${side}`)],
    rows: Object.keys(metrics.base).map(spec => [
      spec,
      ...[metrics, own].flatMap(scores => sides.map(side => score(scores[side]![spec]))),
    ]),
  }
  const points = index.curve.flatMap(point => sides.map(side => ({ effort: point.effort, side, recall: point[side]! })))
  const figure: Figure = {
    caption: `Share of the exact ${index.recall.k} nearest documents that the index finds, by effort, on ${whole(index.recall.queries)} queries.`,
    legend: sides.map(side => ({ label: side, color: COLORS[side] })),
    table: {
      caption: 'Recall by effort',
      head: ['effort', ...sides],
      rows: index.curve.map(point => [point.effort, ...sides.map(side => score(point[side]!))]),
    },
    draw: (plot, width) => ({
      height: width < 500 ? 240 : 280,
      marginLeft: 56,
      marginRight: 20,
      marginBottom: 110,
      x: { type: 'point', domain: index.curve.map(({ effort }) => effort), label: null, tickRotate: -35 },
      y: { grid: true, label: null, ticks: 5, nice: true },
      marks: sides.flatMap(side => {
        const line = points.filter(point => point.side === side)
        const to = { x: 'effort', y: 'recall' }
        return [
          plot.lineY(line, { ...to, stroke: COLORS[side], strokeWidth: 2 }),
          plot.dot(line, { ...to, fill: COLORS[side], r: 3 }),
        ]
      }),
    }),
  }
  const kind = index.kind === undefined ? 'has no approximate search' : `searches by ${index.kind}`
  const summary = `${index.id} ${kind}. It finds ${found} of the exact ${index.recall.k} nearest documents. ${index.advice ?? ''}`
  return section('index', 'Through the index', summary, table, index.curve.length > 0 && figure)
}

import { createRandom } from '../../math/random.js'
import type { ProofDetail } from '../../pipeline/proof.js'
import { whole } from '../format.js'
import { COLORS, type Plot, type SectionMaker, section, type Table } from '../page.js'

/** Most queries drawn as points; of more, squares are shaded by their number. */
const MOST_POINTS = 2000
/** Last ranks of the bands, which grow as ranks matter less. */
const EDGES = [1, 2, 3, 5, 10, 20, 50, 100, 1000, 10_000]

/** Rank of each query's first relevant document before and after. */
export const ranksSection: SectionMaker = ({ detail }) => {
  if (!detail || detail.ranks.base.length === 0) return undefined
  const bands = bandsOf(detail.ranks)
  const { base, adapted, labels, counts, place } = bands
  const moved = (sign: 1 | -1) => base.reduce((sum, rank, i) => sum + (sign * (place(rank) - place(adapted[i])) > 0 ? 1 : 0), 0)
  const table: Table = {
    caption: 'Queries by rank of the first relevant document: before in rows, after in columns',
    head: ['before \\ after', ...labels],
    rows: labels.map((label, i) => [label, ...counts[i].map(whole)]),
  }
  const isShaded = base.length > MOST_POINTS
  const meaning = isShaded ? 'The stronger the colour of a square, the more queries it holds.' : 'Each query is a point.'
  const legend = [
    { label: 'nearer', color: COLORS.better },
    { label: 'as before', color: COLORS.same },
    { label: 'farther', color: COLORS.worse },
  ]
  return section(
    'ranks',
    'Ranks before and after',
    `The first relevant document comes nearer for ${whole(moved(1))} of ${whole(base.length)} queries and falls back for ${whole(moved(-1))}.`,
    {
      caption: `Rank of the first relevant document: below the diagonal it came nearer, above it fell back. ${meaning}`,
      legend: isShaded ? undefined : legend,
      table,
      draw: (plot, width) => ({
        ...frame(width, labels),
        marks: [
          ...axes(plot, width, labels),
          ...(isShaded ? squares(plot, width, counts) : [diagonal(plot, labels.length), points(plot, width, bands)]),
        ],
      }),
    },
  )
}

/** Puts ranks in bands, each as wide on the axes as any other. */
function bandsOf({ base, adapted, depth }: ProofDetail['ranks']) {
  const edges = [...EDGES.filter(edge => edge < depth), depth]
  const bandLabel = (from: number, to: number) => (from === to ? String(from) : `${from}–${to}`)
  const labels = [...edges.map((edge, i) => bandLabel(i === 0 ? 1 : edges[i - 1] + 1, edge)), `>${depth}`]
  const bandOf = (rank: number) => (rank === 0 || rank > depth ? edges.length : edges.findIndex(edge => rank <= edge))
  /** The rank itself, or the one behind all that was searched. */
  const place = (rank: number) => (rank === 0 ? depth + 1 : rank)
  /** Queries by band before and band after. */
  const counts = labels.map(() => labels.map(() => 0))
  for (const [i, rank] of base.entries()) counts[bandOf(rank)][bandOf(adapted[i])]++
  return { base, adapted, edges, labels, counts, bandOf, place }
}

type Bands = ReturnType<typeof bandsOf>

function frame(width: number, labels: readonly string[]) {
  const axis = { domain: [0, labels.length], label: null }
  return {
    height: Math.min(width, 520),
    width: Math.min(width, 560),
    marginLeft: 58,
    marginBottom: 44,
    marginTop: 26,
    marginRight: 12,
    x: axis,
    y: axis,
  }
}

function axes(plot: Plot, width: number, labels: readonly string[]) {
  const ticks = labels.map((_, i) => i + 0.5)
  const grid = Array.from({ length: labels.length + 1 }, (_, i) => i)
  const format = (value: number) => labels[Math.floor(value)]
  const short = (value: number) => format(value).replace(/^\d+–/, '≤')
  const common = { tickSize: 0, labelArrow: 'none' } as const
  const tickFormat = width < 500 ? short : format
  return [
    plot.axisX(ticks, {
      ...common,
      tickFormat,
      label: 'rank before',
      labelAnchor: 'center',
      ...(width < 500 && { fontSize: 9 }),
    }),
    plot.axisY(ticks, { ...common, tickFormat: format, label: 'rank after', labelAnchor: 'top' }),
    plot.gridX(grid),
    plot.gridY(grid),
  ]
}

function diagonal(plot: Plot, size: number) {
  const ends = [
    [0, 0],
    [size, size],
  ] as [number, number][]
  return plot.line(ends, { stroke: 'currentColor', strokeOpacity: 0.4, strokeDasharray: '4 4' })
}

/** Draws every pair of bands as a square, the stronger coloured the more queries it holds. */
function squares(plot: Plot, width: number, counts: Bands['counts']) {
  const cells = counts.flatMap((row, i) => row.map((count, j) => ({ x: i, y: j, count }))).filter(c => c.count > 0)
  const most = Math.max(...cells.map(({ count }) => count))
  const opacity = ({ count }: { count: number }) => 0.1 + 0.65 * Math.sqrt(count / most)
  const bounds = { x1: 'x', x2: (c: { x: number }) => c.x + 1, y1: 'y', y2: (c: { y: number }) => c.y + 1 }
  const middle = { x: (c: { x: number }) => c.x + 0.5, y: (c: { y: number }) => c.y + 0.5 }
  const fill = ({ x, y }: { x: number; y: number }) => colorOf(x, y)
  return [
    plot.rect(cells, { ...bounds, fill, fillOpacity: { value: opacity, scale: null }, inset: 0.5 }),
    width < 500 ? null : plot.text(cells, { ...middle, text: ({ count }: { count: number }) => whole(count) }),
  ]
}

/** Draws every query as a point, anywhere in the strip of its rank: ranks are few and queries many. */
function points(plot: Plot, width: number, { base, adapted, edges, bandOf, place }: Bands) {
  const random = createRandom(1)
  const strip = (rank: number) => {
    const band = bandOf(rank)
    const first = band === 0 ? 1 : edges[band - 1] + 1
    const size = band === edges.length ? 1 : edges[band] - first + 1
    const within = (Math.min(place(rank) - first, size - 1) + random.next()) / size
    return Number((band + 0.06 + 0.88 * within).toFixed(3))
  }
  const rows = Array.from(base, (rank, i) => {
    return { x: strip(rank), y: strip(adapted[i]), fill: colorOf(place(rank), place(adapted[i])) }
  })
  const r = width < 500 ? 2 : 2.8
  return plot.dot(rows, { x: 'x', y: 'y', fill: { value: 'fill', scale: null }, fillOpacity: 0.65, r })
}

function colorOf(before: number, after: number): string {
  return after < before ? COLORS.better : after > before ? COLORS.worse : COLORS.same
}

import type { PartComparison } from '../../evaluate/seen.js'
import { change, interval, metricName, pValue, score, whole } from '../format.js'
import { differenceColor, drawIntervals } from '../intervals.js'
import { COLORS, type Figure, type SectionMaker, section, type Table } from '../page.js'

/** Every metric of base model and adapter, and the difference with its interval. */
export const metricsSection: SectionMaker = ({ metrics, difference, whole: untruncated, metric }) => {
  if (!metrics) return undefined
  const specs = Object.keys(metrics.base)
  const { base, adapted } = metrics
  const table: Table = {
    caption: adapted ? 'Every metric of the base model and of the adapter' : 'Every metric of the base model',
    head: ['metric', 'base', ...(adapted ? ['adapted', 'difference'] : []), ...(difference ? ['95% interval', 'p'] : [])],
    rows: specs.map(spec => [
      metricName(spec),
      score(base[spec]),
      ...(adapted ? [score(adapted[spec]), change(adapted[spec] - base[spec])] : []),
      ...(difference ? [interval(difference[spec]), pValue(difference[spec].p)] : []),
    ]),
  }
  const systems = adapted ? (['base', 'adapted'] as const) : (['base'] as const)
  const bars: Figure = {
    caption: adapted ? 'Mean over the queries, base model and adapter.' : 'Mean over the queries.',
    legend: systems.map(label => ({ label, color: COLORS[label] })),
    table: difference ? undefined : table,
    draw: (plot, width) => ({
      height: 44 + specs.length * (systems.length * 13 + 8),
      marginLeft: 92,
      marginRight: 44,
      x: { domain: [0, 1], grid: true, label: null, ticks: width < 500 ? 3 : 5 },
      y: { axis: null, domain: [...systems], padding: 0.08 },
      fy: { domain: specs.map(metricName), label: null, axis: 'left', padding: 0.22 },
      marks: systems.flatMap(system => {
        const rows = specs.map(spec => ({ spec: metricName(spec), value: metrics[system]![spec], system }))
        const place = { x: 'value', y: 'system', fy: 'spec' }
        return [
          plot.barX(rows, { ...place, fill: COLORS[system] }),
          plot.text(rows, { ...place, dx: 4, textAnchor: 'start', text: ({ value }) => score(value) }),
        ]
      }),
    }),
  }
  const gains: Figure | undefined = difference && {
    caption: 'Adapter minus base model with the 95% bootstrap interval; what touches the line of zero may be chance.',
    table,
    draw: drawIntervals(
      specs.map(spec => ({ label: metricName(spec), ...difference[spec], color: differenceColor(difference[spec]) })),
    ),
  }
  const all =
    untruncated &&
    `The base model with all its ${untruncated.dimensions} dimensions scores ${metricName(metric)} ${score(untruncated.metrics[metric])}.`
  return section('metrics', 'Metrics', bars, gains, all)
}

/** The gain on seen documents (with training queries) and on unseen ones (without). */
export const seenSection: SectionMaker = ({ seen, unseen, metric }) => {
  const parts = Object.entries({ seen, unseen }).flatMap(([label, part]) =>
    part && isMeasured(part) ? [{ label, part, difference: part.difference[metric] }] : [],
  )
  if (parts.length === 0) return undefined
  const doubtful = parts.find(({ label, difference }) => label === 'unseen' && difference.low <= 0)?.difference
  const table: Table = {
    caption: `${metricName(metric)} on seen and unseen documents`,
    head: ['documents', 'queries', 'base', 'adapted', 'difference', '95% interval', 'p'],
    rows: parts.map(({ label, part: { queries, metrics }, difference }) => [
      ...[label, whole(queries), score(metrics.base[metric]), score(metrics.adapted[metric])],
      ...[change(difference.mean), interval(difference), pValue(difference.p)],
    ]),
  }
  const rows = parts.map(({ label, difference }) => ({ label, ...difference, color: COLORS.adapted }))
  const doubt = doubtful && `On unseen documents the ${doubtful.high < 0 ? 'adapter is worse' : 'gain is not significant'}.`
  const figure = { caption: `Gain in ${metricName(metric)} with its 95% interval.`, table, draw: drawIntervals(rows) }
  const meaning = 'Queries count as seen if one of their relevant documents had training queries, and as unseen if none had.'
  return section('seen', 'Seen and unseen documents', meaning, doubt, figure)
}

const isMeasured = (part: PartComparison): part is Exclude<PartComparison, { readonly queries: 0 }> => 'metrics' in part

/** The queries that gained and lost most, with the documents they find. */
export const changesSection: SectionMaker = ({ detail, wins, ties = 0, losses = 0, metric, documentText }) => {
  if (!detail || wins === undefined) return undefined
  const summary = `${metricName(metric)} is better for ${whole(wins)} queries, the same for ${whole(ties)} and worse for ${whole(losses)}.`
  const items = [...detail.wins, ...detail.losses]
  if (items.length === 0) return section('changes', 'Wins and losses', summary)
  const changes = { items, depth: detail.ranks.depth, documentText }
  return section('changes', 'Wins and losses', `${summary} The largest changes:`, changes)
}

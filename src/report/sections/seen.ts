import type { PartComparison } from '../../evaluate/compare-seen.js'
import { change, interval, metricName, pValue, score, whole } from '../format.js'
import { COLORS, type Figure, type SectionMaker, type Table } from '../section.js'

/** The gain on documents that had training queries, and on those that had none. */
export const seenSection: SectionMaker = ({ seen, unseen, metric }) => {
  const parts = [
    { name: 'seen', part: seen },
    { name: 'unseen', part: unseen },
  ].flatMap(({ name, part }) => (part && isMeasured(part) ? [{ name, part }] : []))
  if (parts.length === 0) return undefined
  const unproven = unseen && isMeasured(unseen) && unseen.difference[metric].low <= 0 && unseen.difference[metric]
  const doubt =
    unproven &&
    (unproven.high < 0
      ? 'On unseen documents the adapter makes results worse.'
      : 'On unseen documents the gain cannot be told from chance.')
  const table: Table = {
    caption: `${metricName(metric)} on seen and unseen documents`,
    head: ['documents', 'queries', 'base', 'adapted', 'difference', '95 % interval', 'p'],
    rows: parts.map(({ name, part: { queries, metrics, difference } }) => [
      name,
      whole(queries),
      score(metrics.base[metric]),
      score(metrics.adapted[metric]),
      change(difference[metric].mean),
      interval(difference[metric]),
      pValue(difference[metric].p),
    ]),
  }
  const rows = parts.map(({ name, part }) => ({ name, ...part.difference[metric] }))
  const figure: Figure = {
    caption: `Gain in ${metricName(metric)} with its 95 % interval.`,
    table,
    draw: (plot, width) => ({
      height: 44 + rows.length * 34,
      ...{ marginLeft: 70, marginRight: 20 },
      x: { grid: true, label: null, tickFormat: '+.2f', ticks: width < 500 ? 4 : 8 },
      y: { domain: rows.map(({ name }) => name), label: null, tickSize: 0 },
      marks: [
        plot.ruleX([0], { strokeWidth: 1.5 }),
        plot.ruleY(rows, {
          ...{ x1: 'low', x2: 'high', y: 'name' },
          stroke: COLORS.adapted,
          strokeWidth: 3,
          strokeLinecap: 'round',
        }),
        plot.dot(rows, { x: 'mean', y: 'name', fill: COLORS.adapted, r: 5 }),
      ],
    }),
  }
  return {
    id: 'seen',
    title: 'Seen and unseen documents',
    blocks: [
      {
        type: 'text',
        text: 'Seen are queries of which a relevant document had training queries; unseen are those that ask for documents which nobody asked for in training.',
      },
      ...(doubt ? [{ type: 'text', text: doubt } as const] : []),
      { type: 'figure', figure },
    ],
  }
}

function isMeasured(part: PartComparison): part is Exclude<PartComparison, { readonly queries: 0 }> {
  return 'metrics' in part
}

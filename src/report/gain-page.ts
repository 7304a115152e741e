import { change, interval, metricName, pValue, score, whole } from './format.js'
import type { Page, Tile } from './page.js'
import type { Report } from './report.js'
import { sectionsOf } from './sections/index.js'
import { verdictOf } from './verdict.js'

/** The page on a base and an adapter on it: what training, evaluation and a sweep found. */
export function gainPage(report: Report): Page {
  const { base, kind, measuredOn, metric, warnings, reproduce } = report
  return {
    title: `adapter-train report: ${base.id}`,
    verdict: verdictOf(report),
    about: [
      `Base ${base.id}, ${whole(base.dimensions)} dimensions`,
      ...(kind ? [`adapter kind ${kind}`] : []),
      ...(measuredOn ? [`measured on ${measuredOn} by ${metricName(metric)}`] : []),
    ],
    tiles: tilesOf(report),
    sections: sectionsOf(report),
    ...{ warnings, reproduce },
  }
}

function tilesOf({ metrics, metric, difference, wins, ties, losses, queries }: Report): Tile[] {
  if (!metrics) return []
  const name = metricName(metric)
  const adapted = metrics.adapted?.[metric]
  const d = difference?.[metric]
  const note = queries === undefined ? '' : `${whole(queries)} ${queries === 1 ? 'query' : 'queries'}`
  const p = d && `p\u00A0${pValue(d.p).replace(' ', '\u00A0')}`
  return [
    { label: `${name}, base`, value: score(metrics.base[metric]), note },
    ...(adapted === undefined ? [] : [{ label: `${name}, adapted`, value: score(adapted), note }]),
    ...(d ? [{ label: 'difference', value: change(d.mean), note: `${interval(d)}, ${p}` }] : []),
    ...(wins === undefined
      ? []
      : [
          {
            label: 'queries better',
            value: whole(wins),
            note: `${whole(losses ?? 0)} worse, ${whole(ties ?? 0)} the same`,
          },
        ]),
  ]
}

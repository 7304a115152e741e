import { change, counted, interval, metricName, pValue, score, whole } from './format.js'
import type { Page, SectionMaker, Tile, Verdict } from './page.js'
import type { Report } from './report.js'
import { dataSection, reproduceSection } from './sections/data.js'
import { hybridSection } from './sections/hybrid.js'
import { indexSection } from './sections/index-search.js'
import { changesSection, metricsSection, seenSection } from './sections/measured.js'
import { ranksSection } from './sections/ranks.js'
import { scoresSection } from './sections/scores.js'
import { sweepSection } from './sections/sweep.js'
import { trainingSection, tuningSection } from './sections/training.js'

/** Every section in reading order. A new section is one file and one entry here. */
const SECTIONS: readonly SectionMaker[] = [
  metricsSection,
  seenSection,
  ({ hybrid }) => hybridSection(hybrid),
  changesSection,
  ranksSection,
  scoresSection,
  indexSection,
  sweepSection,
  trainingSection,
  tuningSection,
  dataSection,
  reproduceSection,
]

/** Makes the page on a base model and an adapter: what training, evaluation or a sweep found. */
export function gainPage(report: Report): Page {
  const { base, kind, measuredOn, metric, warnings, reproduce } = report
  return {
    title: `adapter-train report: ${base.id}`,
    verdict: verdictOf(report),
    about: [
      `Base model ${base.id}, ${whole(base.dimensions)} dimensions`,
      ...(kind ? [`adapter kind ${kind}`] : []),
      ...(measuredOn ? [`measured on ${measuredOn} by ${metricName(metric)}`] : []),
    ],
    tiles: tilesOf(report),
    sections: SECTIONS.flatMap(make => make(report) ?? []),
    warnings,
    reproduce,
  }
}

/** Says in one sentence whether to ship the adapter, by the gate and the interval of the metric that decides. */
export function verdictOf(report: Report): Verdict {
  const { metrics, gate, duel } = report
  const name = metricName(report.metric)
  if (gate?.kept === false) {
    const text = `The gate rejected the adapter (${change(gate.gain)} ${name} out of fold); nothing was put in use.`
    return { tone: 'bad', text }
  }
  if (duel?.replaces === false) return { tone: 'neutral', text: `Not put in use: ${duel.reason}.` }
  const base = metrics?.base[report.metric]
  const adapted = metrics?.adapted?.[report.metric]
  const difference = report.difference?.[report.metric]
  const queries = report.queries === undefined ? '' : ` on ${counted(report.queries, 'query', 'queries')}`
  if (base === undefined) {
    const text = gate?.passed
      ? `The adapter gains ${change(gate.gain)} ${name} out of fold and was not measured on a test set; measure it before you ship it.`
      : 'The adapter was not measured on held-out queries; measure it before you ship it.'
    return { tone: 'neutral', text }
  }
  if (adapted === undefined) return { tone: 'neutral', text: `${report.base.id} scores ${name} ${score(base)}${queries}.` }
  const move = `from ${score(base)} to ${score(adapted)}`
  if (!difference) return { tone: 'neutral', text: `${name} goes ${move}${queries}; no interval was computed.` }
  const interval95 = `95% interval ${interval(difference)}`
  if (difference.high < 0) return { tone: 'bad', text: `${name} falls ${move}, ${interval95}; do not ship it.` }
  if (difference.low <= 0) {
    const found = `${name} ${score(base)} and ${score(adapted)}, ${interval95}`
    const text = `The difference from the base model is not significant (${found}); do not ship the adapter.`
    return { tone: 'bad', text }
  }
  if (gate && !gate.passed) {
    const text = `${name} rises ${move}, ${interval95}, but the adapter had not passed the gate, which was off; measure it on more queries before you ship it.`
    return { tone: 'neutral', text }
  }
  return { tone: 'good', text: `${name} rises ${move}, ${interval95}; keep it.` }
}

function tilesOf({ metrics, metric, difference, wins, ties = 0, losses = 0, queries }: Report): Tile[] {
  if (!metrics) return []
  const name = metricName(metric)
  const adapted = metrics.adapted?.[metric]
  const d = difference?.[metric]
  const note = queries === undefined ? '' : counted(queries, 'query', 'queries')
  const tiles: Tile[] = [{ label: `${name}, base`, value: score(metrics.base[metric]), note }]
  if (adapted !== undefined) tiles.push({ label: `${name}, adapted`, value: score(adapted), note })
  if (d) {
    const p = pValue(d.p).replace(' ', '\u00A0')
    tiles.push({ label: 'difference', value: change(d.mean), note: `${interval(d)}, p\u00A0${p}` })
  }
  const split = `${whole(losses)} worse, ${whole(ties)} the same`
  if (wins !== undefined) tiles.push({ label: 'queries better', value: whole(wins), note: split })
  return tiles
}

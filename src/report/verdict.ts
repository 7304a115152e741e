import { change, interval, metricName, score, whole } from './format.js'
import type { Report } from './report.js'

/** The answer of a report. */
export interface Verdict {
  readonly tone: 'good' | 'bad' | 'neutral'
  /** One sentence. */
  readonly text: string
}

/** Says in one sentence whether to ship the adapter, by the gate and the interval of the metric that decides. */
export function verdictOf(report: Report): Verdict {
  const { metrics, gate } = report
  const name = metricName(report.metric)
  if (gate?.kept === false) {
    const found = `${change(gate.gain)} ${name} out of fold`
    return {
      tone: 'bad',
      text: `The adapter is not proven (${found}), so the identity map was saved in its place; do not ship it.`,
    }
  }
  const base = metrics?.base[report.metric]
  const adapted = metrics?.adapted?.[report.metric]
  const difference = report.difference?.[report.metric]
  if (base === undefined) {
    const proven = gate?.passed
    return {
      tone: 'neutral',
      text: proven
        ? `The adapter gains ${change(gate.gain)} ${name} out of fold and was not measured on a test set; measure it before you ship it.`
        : 'The adapter was not measured on queries that it was not trained on; measure it before you ship it.',
    }
  }
  if (adapted === undefined) {
    return { tone: 'neutral', text: `${report.base.id} scores ${name} ${score(base)}${queriesOf(report)}.` }
  }
  const move = `from ${score(base)} to ${score(adapted)}`
  if (!difference)
    return { tone: 'neutral', text: `${name} goes ${move}${queriesOf(report)}; no interval was computed.` }
  const range = `95 % interval ${interval(difference)}`
  const { low, high } = difference
  if (high < 0) return { tone: 'bad', text: `${name} falls ${move}, ${range}; do not ship it.` }
  if (low <= 0) {
    const found = `${name} ${score(base)} and ${score(adapted)}, ${range}`
    return { tone: 'bad', text: `The adapter cannot be told from the base (${found}); do not ship it.` }
  }
  if (gate && !gate.passed) {
    const text = `${name} rises ${move}, ${range}, but the gate was switched off and had not passed; measure it on more queries before you ship it.`
    return { tone: 'neutral', text }
  }
  return { tone: 'good', text: `${name} rises ${move}, ${range}; keep it.` }
}

function queriesOf({ queries }: Report): string {
  return queries === undefined ? '' : ` on ${whole(queries)} ${queries === 1 ? 'query' : 'queries'}`
}

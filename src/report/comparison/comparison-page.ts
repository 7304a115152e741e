import type { CompareReport } from '../../pipeline/compare/compare-report.js'
import { change, interval, metricName, pValue, score, whole } from '../format.js'
import type { Page, Tile } from '../page.js'
import type { SectionMaker } from '../section.js'
import { reproduceSection } from '../sections/reproduce.js'
import type { Verdict } from '../verdict.js'
import type { ComparisonReport } from './comparison.js'
import { costsSection } from './costs.js'
import { pairsSection } from './pairs.js'
import { runSection } from './run.js'
import { scoresSection } from './scores.js'

/** Every section in the order of reading. A new section is one file and one entry here. */
const SECTIONS: readonly SectionMaker<ComparisonReport>[] = [
  scoresSection,
  pairsSection,
  costsSection,
  runSection,
  reproduceSection,
]

/** The page on any number of candidates, measured on the same queries. */
export function comparisonPage(report: ComparisonReport): Page {
  const { comparison, warnings, reproduce } = report
  const { candidates, data, queries, metric } = comparison
  const names = candidates.map(({ name }) => name)
  return {
    title: `adapter-train comparison: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`,
    verdict: verdictOf(comparison),
    about: [
      `${whole(candidates.length)} ${candidates.length === 1 ? 'candidate' : 'candidates'} on ${data.name}`,
      `${whole(queries)} ${queries === 1 ? 'query' : 'queries'}, ${whole(data.documents)} documents`,
      `in order of ${metricName(metric)}`,
    ],
    tiles: tilesOf(comparison),
    sections: SECTIONS.flatMap(make => make(report) ?? []),
    ...{ warnings, reproduce },
  }
}

/** Says in one sentence which candidate is best, and which cannot be told from it. */
function verdictOf({ candidates, metric }: CompareReport): Verdict {
  const [best, ...others] = candidates
  const tied = others.filter(({ rank }) => rank === 'tied').map(({ name }) => name)
  const { mean, low, high } = best.metrics[metric]
  const found = `${metricName(metric)} ${score(mean)}, 95 % interval ${score(low)} to ${score(high)}`
  if (others.length === 0) return { tone: 'neutral', text: `${best.name} scores ${found}.` }
  if (tied.length === 0)
    return { tone: 'good', text: `${best.name} is the best (${found}), better than every other candidate.` }
  const who =
    tied.length === others.length && tied.length > 1
      ? 'no other candidate can be told from it'
      : `${listed(tied)} cannot be told from it`
  return { tone: 'neutral', text: `${best.name} has the best mean (${found}); ${who}.` }
}

/** ["a", "b", "c"] -> "a, b and c"; of more than three, the number of the rest. */
function listed(names: readonly string[]): string {
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} others`] : names
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

function tilesOf({ candidates, metric, pairs }: CompareReport): Tile[] {
  const name = metricName(metric)
  const [best, second] = candidates
  const { mean, low, high } = best.metrics[metric]
  const gap = second && pairs.find(pair => pair.first === best.name && pair.second === second.name)
  return [
    { label: `${name}, ${best.name}`, value: score(mean), note: `${score(low)} to ${score(high)}` },
    ...(second
      ? [{ label: `${name}, ${second.name}`, value: score(second.metrics[metric].mean), note: 'the second' }]
      : []),
    ...(gap
      ? [{ label: 'difference', value: change(gap.mean), note: `${interval(gap)}, p\u00A0${pValue(gap.holm)} (Holm)` }]
      : []),
  ]
}

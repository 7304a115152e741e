import type { CandidateReport, CompareReport } from '../pipeline/compare/run-compare.js'
import { change, counted, interval, metricName, pValue, range, score } from './format.js'
import type { Page, SectionMaker, Tile, Verdict } from './page.js'
import type { ComparisonReport } from './report.js'
import { costsSection, leaderboardSection, pairsSection, runSection, scoresSection } from './sections/compared.js'
import { reproduceSection } from './sections/data.js'
import { hybridSection } from './sections/hybrid.js'

/** Every section in reading order. A new section is one file and one entry here. */
const SECTIONS: readonly SectionMaker<ComparisonReport>[] = [
  leaderboardSection,
  scoresSection,
  pairsSection,
  ({ comparison }) => hybridSection(comparison.hybrid),
  costsSection,
  runSection,
  reproduceSection,
]

/** Makes the page on any number of candidates, measured on the same queries. */
export function comparisonPage(report: ComparisonReport): Page {
  const { comparison, warnings, reproduce } = report
  const { candidates, data, queries, metric } = comparison
  const names = candidates.map(({ name }) => name)
  return {
    title: `adapter-train comparison: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`,
    verdict: verdictOf(comparison),
    about: [
      `${counted(candidates.length, 'candidate')} on ${data.name}`,
      `${counted(queries, 'query', 'queries')}, ${counted(data.documents, 'document')}`,
      `in order of ${metricName(metric)}`,
    ],
    tiles: tilesOf(comparison),
    sections: SECTIONS.flatMap(make => make(report) ?? []),
    warnings,
    reproduce,
  }
}

/** Says in one sentence which candidate is best, and which do not differ significantly from it. */
function verdictOf({ candidates, metric }: CompareReport): Verdict {
  const [best, ...others] = candidates
  const tied = others.filter(({ rank }) => rank === 'tied').map(({ name }) => name)
  const found = `${metricName(metric)} ${score(best.metrics[metric].mean)}, 95% interval ${range(best.metrics[metric])}`
  if (others.length === 0) return { tone: 'neutral', text: `${best.name} scores ${found}.` }
  if (tied.length === 0)
    return { tone: 'good', text: `${best.name} is significantly better than every other candidate (${found}).` }
  const who =
    tied.length === others.length && tied.length > 1
      ? 'no other candidate differs'
      : `${listed(tied)} ${tied.length === 1 ? 'does' : 'do'} not differ`
  return { tone: 'neutral', text: `${best.name} has the best mean (${found}); ${who} significantly from it.` }
}

/** ["a", "b", "c"] -> "a, b and c"; of more than three, the number of the rest. */
function listed(names: readonly string[]): string {
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} others`] : names
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

function tilesOf({ candidates, metric, pairs }: CompareReport): Tile[] {
  const name = metricName(metric)
  const [best, second] = candidates
  const gap = second && pairs.find(pair => pair.first === best.name && pair.second === second.name)
  const tile = ({ name: of, metrics }: CandidateReport, note = range(metrics[metric])): Tile => {
    return { label: `${name}, ${of}`, value: score(metrics[metric].mean), note }
  }
  const tiles = second ? [tile(best), tile(second, 'second')] : [tile(best)]
  const note = gap && `${interval(gap)}, p\u00A0${pValue(gap.holm)} (Holm)`
  return gap ? [...tiles, { label: 'difference', value: change(gap.mean), note }] : tiles
}

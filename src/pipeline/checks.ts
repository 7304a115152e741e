import { compareRankings, type Difference } from '../evaluate/compare.js'
import type { Evaluation, Scores } from '../evaluate/evaluator.js'
import { selectQueries } from '../evaluate/seen.js'
import { getOrInsert } from '../maps.js'
import { holm, SIGNIFICANCE } from '../math/statistics/moments.js'
import { pText, signed } from '../words.js'

/** A check of an evaluation, for continuous integration. */
export interface Check {
  readonly name: string
  readonly passed: boolean
  /** One sentence: what was expected, and what was found. */
  readonly message: string
}

/** Queries of a segment, compared. */
export interface Segment {
  /** Value of the field; `null` for queries without it. */
  readonly value: string | null
  readonly queries: number
  readonly metrics: { readonly base: Scores; readonly adapted: Scores }
  /** By metric, adapted minus base. */
  readonly difference: Readonly<Record<string, Difference>>
  /** p of the metric that decides, after Holm's correction for the number of segments. */
  readonly holm: number
}

/** Compares two evaluations in segments of the queries. `values`: of each scored query. */
export function segmentsOf(
  base: Evaluation,
  adapted: Evaluation,
  values: readonly (string | undefined)[],
  { metric, seed }: { readonly metric: string; readonly seed: number },
): Segment[] {
  const places = new Map<string | null, number[]>()
  for (const [i, value] of values.entries()) getOrInsert(places, value ?? null, () => []).push(i)
  const segments = Array.from(places, ([value, queries]) => {
    const [one, other] = [selectQueries(base, queries), selectQueries(adapted, queries)]
    const { difference } = compareRankings(one, other, { metric, seed })
    return { value, queries: queries.length, metrics: { base: one.mean, adapted: other.mean }, difference }
  })
  const adjusted = holm(segments.map(({ difference }) => difference[metric].p))
  return segments
    .map((segment, i) => ({ ...segment, holm: adjusted[i] }))
    .sort((a, b) => b.queries - a.queries || String(a.value).localeCompare(String(b.value), 'en'))
}

const verdictOn = (passed: boolean): string => (passed ? 'not significantly worse' : 'significantly worse')

/** Checks that an adapter is not significantly worse. */
export function notWorse(against: string, metric: string, { mean, low, high, p: chance }: Difference): Check {
  const passed = high >= 0
  const change = `${metric} ${signed(mean)} against ${against} (95% CI ${signed(low)} to ${signed(high)}, ${pText(chance)})`
  return { name: `not worse than ${against}`, passed, message: `${verdictOn(passed)}: ${change}` }
}

/** Checks that an adapter is significantly worse in none of the segments, after Holm's correction. */
export function segmentNotWorse(field: string, metric: string, { value, queries, difference, holm: chance }: Segment): Check {
  const { mean } = difference[metric]
  const passed = mean >= 0 || chance >= SIGNIFICANCE
  const name = `${field} ${value ?? '(none)'}`
  return {
    name: `not worse for ${name}`,
    passed,
    message: `${verdictOn(passed)} for ${name}: ${metric} ${signed(mean)} on ${queries} queries (${pText(chance)} after Holm’s correction)`,
  }
}

/** Checks that a metric reaches a minimum. */
export function reaches(metric: string, minimum: number, value: number): Check {
  return {
    name: `${metric} of at least ${minimum}`,
    passed: value >= minimum,
    message: `${metric} is ${value.toFixed(4)}, expected at least ${minimum}`,
  }
}

/** Formats checks as JUnit XML, which continuous integration shows. */
export function junit(suite: string, checks: readonly Check[]): string {
  const failures = checks.filter(({ passed }) => !passed).length
  const cases = checks.map(({ name, passed, message }) => {
    const open = `  <testcase classname="${xml(suite)}" name="${xml(name)}"`
    return passed ? `${open}/>` : `${open}>\n    <failure message="${xml(message)}"/>\n  </testcase>`
  })
  const head = `<testsuite name="${xml(suite)}" tests="${checks.length}" failures="${failures}">`
  return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n${cases.join('\n')}\n</testsuite>\n`
}

function xml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  // XML 1.0 has no way to write most control characters.
  return text.replace(/\p{Cc}/gu, ' ').replace(/[&<>"]/g, character => entities[character])
}

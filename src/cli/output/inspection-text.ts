import type { DatasetDescription } from '../../dataset/describe.js'
import type { DatasetInspection, Finding, TextLengths } from '../../dataset/inspect-dataset.js'
import { SUSPICIONS, type Suspicion } from '../../dataset/suspicious-queries.js'
import { formatDollars } from '../session.js'
import { formatTable } from './console.js'

/** Most bars of a histogram; what has more positives is put together. */
const BARS = 8

/** What is in one data set, for people. */
export function describeInspection(
  path: string,
  d: DatasetDescription,
  inspection: DatasetInspection,
  unanswered: Finding,
): string {
  const { positivesHistogram, hardNegatives, suspicious } = inspection
  const negatives = hardNegatives > 0 ? `; ${hardNegatives} judged not relevant` : ''
  const findings: [title: string, finding: Finding][] = [
    ['queries without a document', unanswered],
    ['documents without a query', inspection.documentsWithoutQuery],
    ['near-identical queries', inspection.nearDuplicateQueries],
    ['near-identical documents', inspection.nearDuplicateDocuments],
    ...Object.entries(suspicious).map(([name, finding]): [string, Finding] => [
      `suspicious queries: ${SUSPICIONS[name as Suspicion]}`,
      finding,
    ]),
  ]
  const lengths = formatTable([
    ['  length', 'min', '5 %', 'median', '95 %', 'max'],
    ...lengthRows('query', inspection.queryLengths),
    ...lengthRows('document', inspection.documentLengths),
  ])
  return [
    path,
    `  queries    ${d.queries} (${d.duplicateQueryTexts} repeat a text)`,
    `  documents  ${d.documents} (${d.duplicateDocumentTexts} repeat a text, ${d.documentsWithQuery} have a query)`,
    `  pairs      ${d.pairs} (${d.positivesPerQuery.mean.toFixed(2)} a query, at most ${d.positivesPerQuery.max}${negatives})`,
    '',
    histogram(positivesHistogram),
    '',
    lengths,
    '',
    ...findings
      .filter(([, { count }]) => count > 0)
      .map(([title, { count, examples }]) => {
        return `  ${count} ${title}: ${examples.join(', ')}${count > examples.length ? ', …' : ''}`
      }),
    '',
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
}

/** What embedding texts of so many tokens costs at each model with a known price. */
export function costTable(costs: readonly { readonly model: string; readonly cost: number }[]): string {
  return formatTable([['model', 'about'], ...costs.map(({ model, cost }) => [model, formatDollars(cost)])])
}

function lengthRows(name: string, { characters, tokens, sampled }: TextLengths): string[][] {
  const row = (unit: string, q: TextLengths['characters']): string[] => [
    `  ${name}, ${unit}`,
    ...[q.min, q.p5, q.median, q.p95, q.max].map(String),
  ]
  return [row('characters', characters), row(sampled ? 'tokens (sample)' : 'tokens', tokens)]
}

function histogram(counts: DatasetInspection['positivesHistogram']): string {
  const shown = counts.slice(0, counts.length > BARS ? BARS - 1 : BARS)
  const rest = counts.slice(shown.length)
  const bars = shown.map(([positives, queries]): [string, number] => [String(positives), queries])
  if (rest.length > 0) bars.push([`${rest[0][0]} or more`, rest.reduce((sum, [, queries]) => sum + queries, 0)])
  const most = Math.max(...bars.map(([, queries]) => queries))
  const table = formatTable([
    ['  positives', 'queries'],
    ...bars.map(([label, queries]) => [`  ${label}`, String(queries)]),
  ]).split('\n')
  return table
    .map((line, i) => (i === 0 ? line : `${line}  ${'#'.repeat(Math.ceil((30 * bars[i - 1][1]) / most))}`))
    .join('\n')
}

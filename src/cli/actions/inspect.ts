import type { Adapter } from '../../adapters/adapter.js'
import { adapterHash, loadAdapter, looksLikeAdapter } from '../../adapters/file.js'
import { formatOf } from '../../adapters/stored-adapter.js'
import { type QADataset, selfMatches, selfMatchNotes } from '../../dataset/dataset.js'
import { type DatasetDescription, describeDataset, overlap } from '../../dataset/describe.js'
import type { DatasetInspection, Finding, TextLengths } from '../../dataset/inspect-dataset.js'
import { inspectDataset } from '../../dataset/inspect-dataset.js'
import { findLeaks, type Leak } from '../../dataset/leaks.js'
import { readDataset } from '../../dataset/read.js'
import { smallTestSet } from '../../dataset/small-test-set.js'
import { SUSPICIONS, type Suspicion } from '../../dataset/suspicious-queries.js'
import { PRICES } from '../../providers/prices.js'
import { COHERE_TOKEN_RATIO } from '../../providers/service.js'
import { loadTokenCounter } from '../../providers/token-counter.js'
import { formatDollars, whole } from '../../report/format.js'
import { oneLine } from '../../words.js'
import type { InspectArgs } from '../commands/inspect.js'
import { createConsole, formatTable, reportSkipped } from '../output/console.js'

type Inspected = { readonly path: string; readonly dataset: QADataset; readonly inspection: DatasetInspection }

/** Most ids named per finding. */
const NAMED = 5

export async function inspect(args: InspectArgs): Promise<void> {
  const out = createConsole(args)
  const { format, split } = args
  const reports: unknown[] = []
  const datasets: Inspected[] = []
  for (const path of args.files) {
    if (looksLikeAdapter(path)) {
      const adapter = loadAdapter(path)
      reports.push({ file: path, type: 'adapter', ...adapterFacts(adapter) })
      out.result(describeAdapter(path, adapter))
    } else {
      // Invalid entries are part of the inspection.
      const { dataset, skipped, notes } = await readDataset(path, { format, split, skipInvalid: true })
      const [unanswered, invalid] = [true, false].map(is => skipped.filter(issue => (issue.unanswered ?? false) === is))
      reportSkipped(invalid, out)
      for (const note of notes) out.info(`${path}: ${note}`)
      const description = describeDataset(dataset)
      const inspection = inspectDataset(dataset, await loadTokenCounter())
      datasets.push({ path, dataset, inspection })
      const examples = unanswered.slice(0, NAMED).flatMap(({ id }) => id ?? [])
      const queriesWithoutDocument = { count: unanswered.length, examples }
      const warnings = [
        ...selfMatchNotes(path, selfMatches(dataset)),
        ...smallTestSet(path, description.queries, description.documents),
      ]
      for (const warning of warnings) out.warn(warning)
      const facts = { ...description, ...inspection, queriesWithoutDocument, warnings }
      reports.push({ file: path, type: 'dataset', ...facts, skipped: skipped.length, notes })
      out.result(describeInspection(path, description, inspection, queriesWithoutDocument))
    }
  }
  const overlaps = datasets.flatMap((a, i) => datasets.slice(i + 1).map(b => sharedBy(a, b)))
  for (const { text } of overlaps) out.result(text)
  const costs = datasets.length > 0 ? costsOf(datasets) : []
  if (costs.length > 0) {
    const tokens = whole(costs[0].tokens)
    const table = formatTable([['model', 'about'], ...costs.map(({ model, cost }) => [model, formatDollars(cost)])])
    out.result(`\nto embed all of it, about ${tokens} tokens (local models: nothing)\n${table}`)
  }
  out.json({ files: reports, overlap: overlaps.map(({ text: _, ...facts }) => facts), costs })
}

function sharedBy(a: Inspected, b: Inspected) {
  const { queryTexts, documentIds, documentTexts } = overlap(a.dataset, b.dataset)
  // The ids of files that have nothing to do with each other are often the same.
  const leaks = findLeaks(a.dataset, b.dataset, { ids: false })
  const near = (kind: Leak['kind']) => new Set(leaks.filter(leak => leak.kind === kind).map(leak => leak.heldOut)).size
  const [queries, documents] = [near('query'), near('document')]
  const examples = leaks.slice(0, NAMED).map(leak => `${leak.kind} ${leak.train} = ${leak.heldOut}`)
  const shared = `${a.path} and ${b.path} share ${queryTexts.length} query texts and ${documentIds.length} answered documents`
  const nearby = `  near-identical, or the same, in ${b.path}: ${queries} queries, ${documents} answered documents (${examples.join('; ')}${leaks.length > NAMED ? '; …' : ''})`
  return {
    files: [a.path, b.path],
    queryTexts: queryTexts.length,
    documentIds: documentIds.length,
    documentTexts: documentTexts.length,
    nearIdenticalQueries: queries,
    nearIdenticalDocuments: documents,
    leaks: leaks.slice(0, 100),
    text: queries + documents > 0 ? `${shared}\n${nearby}` : shared,
  }
}

/** Estimates the cost at every model with a known price; a text in several files is embedded once. */
function costsOf(datasets: readonly Inspected[]) {
  const tokens = (['queries', 'corpus'] as const).reduce((sum, side) => {
    const counted = datasets.reduce((n, { inspection }) => n + inspection[LENGTHS[side]].totalTokens, 0)
    const texts = datasets.map(({ dataset }) => new Set(dataset[side].values()))
    const ofFiles = texts.flatMap(set => [...set])
    const [all, distinct] = [ofFiles, [...new Set(ofFiles)]].map(list => list.reduce((n, text) => n + text.length, 0))
    return sum + (all === 0 ? 0 : (counted * distinct) / all)
  }, 0)
  return [...PRICES].map(([model, price]) => {
    const own = Math.ceil(tokens * (model.startsWith('cohere/') ? COHERE_TOKEN_RATIO : 1))
    return { model, tokens: own, cost: (own / 1e6) * price }
  })
}

const LENGTHS = { queries: 'queryLengths', corpus: 'documentLengths' } as const

function adapterFacts(adapter: Adapter) {
  const { kind, base, index, training, params, terms } = adapter
  const shapes = Object.fromEntries(Object.entries(params).map(([name, { rows, cols }]) => [name, [rows, cols]]))
  return {
    format: formatOf(adapter),
    kind,
    base,
    ...(index && { index }),
    sha256: adapterHash(adapter),
    params: shapes,
    ...(terms && { terms: { source: terms.source, alpha: terms.alpha, proven: terms.proven, corpus: terms.corpus } }),
    training,
  }
}

function describeAdapter(path: string, adapter: Adapter): string {
  const { kind, base, index, params, training, sha256, terms } = adapterFacts(adapter)
  const shapes = Object.entries(params).map(([name, shape]) => `${name} ${shape.join(' x ')}`)
  return [
    path,
    `  kind      ${kind} (${shapes.join(', ')})`,
    `  base      ${base.id}, ${base.dimensions} dimensions${base.normalized ? ', vectors of length 1' : ''}`,
    ...(index ? [`  index     ${index.id}, ${index.dimensions} dimensions, ${index.metric}`] : []),
    `  weights   sha256 ${sha256.slice(0, 16)}`,
    ...(terms ? [`  terms     ${termsText(terms)}`] : []),
    `  trained   ${training.date ?? 'date unknown'} by ${training.tool ?? 'an unknown tool'}`,
    ...factLine('data', training.data),
    ...factLine('options', training.options),
    ...metricsLine(training.metrics),
    ...(['gate', 'duel'] as const).flatMap(name => factLine(name, reasonOf(training[name]))),
    ...factLine('stopped', training.interrupted),
    '',
  ]
    .map(oneLine)
    .join('\n')
}

function termsText({ source, alpha, corpus, proven }: NonNullable<ReturnType<typeof adapterFacts>['terms']>): string {
  const made = `of ${corpus.documents} documents (${corpus.date.slice(0, 10)})`
  return `${source}, alpha ${alpha}, ${made}${proven ? '' : ', unproven'}`
}

function factLine(label: string, fact: unknown): string[] {
  const text = factText(fact)
  return text === '' ? [] : [`  ${label.padEnd(9)} ${text}`]
}

/** Describes a fact of an adapter file, without its braces; figures have four digits. */
function factText(fact: unknown): string {
  if (fact === undefined) return ''
  if (typeof fact === 'number') return Number.isInteger(fact) ? String(fact) : String(Number(fact.toPrecision(4)))
  if (typeof fact !== 'object' || fact === null) return String(fact)
  if (Array.isArray(fact)) return fact.map(factText).join(' ')
  return Object.entries(fact)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? `(${factText(value)})` : factText(value)}`)
    .join(', ')
}

/** The sentence of a verdict, if it has one: the figures are in it. */
function reasonOf(verdict: unknown): unknown {
  const { reason } = (verdict ?? {}) as { readonly reason?: string }
  return reason ?? verdict
}

type Figures = Readonly<Record<string, number>>

/** Rounds the figures as the tables of `evaluate` do. */
function metricsLine(metrics: Adapter['training']['metrics'] = {}): string[] {
  const { base, adapted, split, ...rest } = metrics as { base?: Figures; adapted?: Figures; split?: string }
  if (!base || !adapted) return factLine('metrics', metrics)
  const figures = Object.keys(base).map(name => `${name} ${fixed(base[name])} -> ${fixed(adapted[name])}`)
  const on = split === undefined ? '' : ` (${split})`
  return [`  metrics   ${figures.join(', ')}${on}`, ...factLine('', rest)]
}

const fixed = (value: number | undefined): string => (value === undefined ? '?' : value.toFixed(4))

/** Bars of a histogram; queries with more positives share the last. */
const BARS = 8

function describeInspection(path: string, d: DatasetDescription, inspection: DatasetInspection, unanswered: Finding) {
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
      .map(
        ([title, { count, examples }]) => `  ${count} ${title}: ${examples.join(', ')}${count > examples.length ? ', …' : ''}`,
      ),
    '',
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
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
  const rows = bars.map(([label, queries]) => [`  ${label}`, String(queries)])
  return formatTable([['  positives', 'queries'], ...rows])
    .split('\n')
    .map((line, i) => (i === 0 ? line : `${line}  ${'#'.repeat(Math.ceil((30 * bars[i - 1][1]) / most))}`))
    .join('\n')
}

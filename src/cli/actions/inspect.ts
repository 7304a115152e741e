import type { Adapter } from '../../adapters/adapter.js'
import { ADAPTER_FORMAT, adapterHash, loadAdapter } from '../../adapters/file.js'
import { looksLikeAdapter } from '../../adapters/looks-like-adapter.js'
import type { QADataset } from '../../dataset/dataset.js'
import { describeDataset, overlap } from '../../dataset/describe.js'
import { type DatasetInspection, inspectDataset } from '../../dataset/inspect-dataset.js'
import { findLeaks, type Leak } from '../../dataset/leaks.js'
import { readDataset } from '../../dataset/read.js'
import { COHERE_TOKEN_RATIO } from '../../providers/cohere-service.js'
import { PRICES } from '../../providers/prices.js'
import { loadTokenCounter } from '../../providers/token-counter.js'
import type { InspectArgs } from '../commands/inspect.js'
import { createConsole } from '../output/console.js'
import { costTable, describeInspection } from '../output/inspection-text.js'
import { reportSkipped } from '../output/report-skipped.js'

interface Inspected {
  readonly path: string
  readonly dataset: QADataset
  readonly inspection: DatasetInspection
}

/** Pairs of ids that are named for each two files. */
const NAMED = 5

/** Prints what adapter files and data sets hold, what the data sets share, and what it would cost to embed them. */
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
      // What is wrong is part of what is inspected.
      const { dataset, skipped, notes } = await readDataset(path, { format, split, skipInvalid: true })
      const unanswered = skipped.filter(issue => issue.unanswered)
      reportSkipped(
        skipped.filter(issue => !issue.unanswered),
        out,
      )
      for (const note of notes) out.info(`${path}: ${note}`)
      const description = describeDataset(dataset)
      const inspection = inspectDataset(dataset, await loadTokenCounter())
      datasets.push({ path, dataset, inspection })
      const queriesWithoutDocument = {
        count: unanswered.length,
        examples: unanswered.slice(0, NAMED).flatMap(({ id }) => id ?? []),
      }
      const facts = { ...description, ...inspection, queriesWithoutDocument }
      reports.push({ file: path, type: 'dataset', ...facts, skipped: skipped.length, notes })
      out.result(describeInspection(path, description, inspection, queriesWithoutDocument))
    }
  }
  const overlaps = pairsOf(datasets).map(([a, b]) => sharedBy(a, b))
  for (const { text } of overlaps) out.result(text)
  const costs = datasets.length > 0 ? costsOf(datasets) : []
  if (costs.length > 0) {
    const tokens = costs[0].tokens.toLocaleString('en')
    out.result(`\nto embed all of it, about ${tokens} tokens (local models: nothing)\n${costTable(costs)}`)
  }
  if (args.json) out.json({ files: reports, overlap: overlaps.map(({ text: _, ...facts }) => facts), costs })
}

/** What two data sets have in common, in numbers and in words. */
function sharedBy(a: Inspected, b: Inspected) {
  const { queryTexts, documentIds, documentTexts } = overlap(a.dataset, b.dataset)
  // The ids of files that have nothing to do with each other are often the same.
  const leaks = findLeaks(a.dataset, b.dataset, { ids: false })
  const near = (kind: Leak['kind']) => new Set(leaks.filter(leak => leak.kind === kind).map(leak => leak.heldOut)).size
  const [queries, documents] = [near('query'), near('document')]
  const examples = leaks.slice(0, NAMED).map(leak => `${leak.kind} ${leak.train} = ${leak.heldOut}`)
  const lines = [
    `${a.path} and ${b.path} share ${queryTexts.length} query texts and ${documentIds.length} answered documents`,
    ...(queries + documents > 0
      ? [
          `  near-identical, or the same, in ${b.path}: ${queries} queries, ${documents} answered documents (${examples.join('; ')}${leaks.length > NAMED ? '; …' : ''})`,
        ]
      : []),
  ]
  return {
    files: [a.path, b.path],
    queryTexts: queryTexts.length,
    documentIds: documentIds.length,
    documentTexts: documentTexts.length,
    nearIdenticalQueries: queries,
    nearIdenticalDocuments: documents,
    leaks: leaks.slice(0, 100),
    text: lines.join('\n'),
  }
}

/** What embedding costs at every model whose price is known; a text that several files have is embedded once. */
function costsOf(datasets: readonly Inspected[]) {
  const tokens = (['queries', 'corpus'] as const).reduce((sum, side) => {
    const counted = datasets.reduce((n, { inspection }) => n + inspection[LENGTHS[side]].totalTokens, 0)
    const texts = datasets.map(({ dataset }) => new Set(dataset[side].values()))
    const [all, distinct] = [texts.flatMap(set => [...set]), new Set(texts.flatMap(set => [...set]))].map(charactersOf)
    return sum + (all === 0 ? 0 : (counted * distinct) / all)
  }, 0)
  return [...PRICES].map(([model, price]) => {
    const own = Math.ceil(tokens * (model.startsWith('cohere/') ? COHERE_TOKEN_RATIO : 1))
    return { model, tokens: own, cost: (own / 1e6) * price }
  })
}

const LENGTHS = { queries: 'queryLengths', corpus: 'documentLengths' } as const

function charactersOf(texts: Iterable<string>): number {
  let characters = 0
  for (const text of texts) characters += text.length
  return characters
}

function adapterFacts(adapter: Adapter) {
  const { kind, base, training, params } = adapter
  const shapes = Object.fromEntries(Object.entries(params).map(([name, { rows, cols }]) => [name, [rows, cols]]))
  return { format: ADAPTER_FORMAT, kind, base, sha256: adapterHash(adapter), params: shapes, training }
}

function describeAdapter(path: string, adapter: Adapter): string {
  const { kind, base, params, training, sha256 } = adapterFacts(adapter)
  const shapes = Object.entries(params).map(([name, shape]) => `${name} ${shape.join(' x ')}`)
  return [
    path,
    `  kind      ${kind} (${shapes.join(', ')})`,
    `  base      ${base.id}, ${base.dimensions} dimensions${base.normalized ? ', vectors of length 1' : ''}`,
    `  weights   sha256 ${sha256.slice(0, 16)}`,
    `  trained   ${training.date ?? 'date unknown'} by ${training.tool ?? 'an unknown tool'}`,
    `  data      ${JSON.stringify(training.data ?? {})}`,
    `  options   ${JSON.stringify(training.options ?? {})}`,
    `  metrics   ${JSON.stringify(training.metrics ?? {})}`,
    ...(training.gate ? [`  gate      ${JSON.stringify(training.gate)}`] : []),
    ...(training.interrupted ? [`  stopped   ${JSON.stringify(training.interrupted)}`] : []),
    '',
  ].join('\n')
}

function pairsOf<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]))
}

import type { Adapter } from '../../adapters/adapter.js'
import { ADAPTER_FORMAT, adapterHash, loadAdapter } from '../../adapters/file.js'
import { looksLikeAdapter } from '../../adapters/looks-like-adapter.js'
import type { QADataset } from '../../dataset/dataset.js'
import { type DatasetDescription, describeDataset, overlap } from '../../dataset/describe.js'
import { readDataset } from '../../dataset/read.js'
import type { InspectArgs } from '../commands/inspect.js'
import { createConsole } from '../console.js'
import { reportSkipped } from '../report-skipped.js'

/** Prints what adapter files and data sets hold, and what the data sets share. */
export async function inspect(args: InspectArgs): Promise<void> {
  const out = createConsole(args)
  const { format, split, skipInvalid } = args
  const reports: unknown[] = []
  const datasets: { path: string; dataset: QADataset }[] = []
  for (const path of args.files) {
    if (looksLikeAdapter(path)) {
      const adapter = loadAdapter(path)
      reports.push({ file: path, type: 'adapter', ...adapterFacts(adapter) })
      out.result(describeAdapter(path, adapter))
    } else {
      const { dataset, skipped } = await readDataset(path, { format, split, skipInvalid })
      reportSkipped(skipped, out)
      const description = describeDataset(dataset)
      datasets.push({ path, dataset })
      reports.push({ file: path, type: 'dataset', ...description, skipped: skipped.length })
      out.result(describeData(path, description))
    }
  }
  const overlaps = pairsOf(datasets).map(([a, b]) => ({ files: [a.path, b.path], ...overlap(a.dataset, b.dataset) }))
  for (const { files, queryTexts, documentIds } of overlaps) {
    out.result(
      `${files[0]} and ${files[1]} share ${queryTexts.length} query texts and ${documentIds.length} answered documents`,
    )
  }
  if (args.json) {
    const counts = overlaps.map(({ files, queryTexts, documentIds, documentTexts }) => ({
      files,
      queryTexts: queryTexts.length,
      documentIds: documentIds.length,
      documentTexts: documentTexts.length,
    }))
    out.json({ files: reports, overlap: counts })
  }
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
    '',
  ].join('\n')
}

function describeData(path: string, d: DatasetDescription): string {
  const words = ({ mean, median, max }: DatasetDescription['queryWords']) =>
    `${mean.toFixed(1)} on average, median ${median}, longest ${max}`
  return [
    path,
    `  queries    ${d.queries} (${d.duplicateQueryTexts} repeat a text)`,
    `  documents  ${d.documents} (${d.duplicateDocumentTexts} repeat a text, ${d.documentsWithQuery} have a query)`,
    `  pairs      ${d.pairs} (${d.positivesPerQuery.mean.toFixed(2)} a query, at most ${d.positivesPerQuery.max})`,
    `  words      query: ${words(d.queryWords)}; document: ${words(d.documentWords)}`,
    '',
  ].join('\n')
}

function pairsOf<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]))
}

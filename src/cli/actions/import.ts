import type { QADataset } from '../../dataset/dataset.js'
import type { FieldNames } from '../../dataset/fields.js'
import { checkPartsForLeaks } from '../../dataset/leaks.js'
import { type MergeCounts, mergeDatasets } from '../../dataset/merge.js'
import { readDataset } from '../../dataset/read.js'
import { smallTestSet } from '../../dataset/small-test-set.js'
import type { DatasetSplit } from '../../dataset/split.js'
import { splitDisjoint } from '../../dataset/split-disjoint.js'
import { checkPartsFolder, writeParts } from '../../dataset/write-parts.js'
import type { ImportArgs } from '../commands/import.js'
import { checkOutFolder } from '../options/data-files.js'
import { type Console, createConsole, formatTable, reportSkipped } from '../output/console.js'
import { afterWriting } from '../output/next-steps.js'
import type { Style } from '../output/style.js'
import { count } from '../output/tables.js'
import { known } from '../output/write-report.js'

export async function importData(args: ImportArgs): Promise<void> {
  const out = createConsole(args)
  const { out: folder, format, overwrite, seed, splitBy } = args
  const fractions = args.split
  const wanted = { train: true, validation: fractions.validation > 0, test: fractions.test > 0 }
  checkOutFolder(folder, [...args.files, args.corpus], format)
  checkPartsFolder(wanted, folder, { format, overwrite })

  const { datasets, skipped, notes } = await readInputs(args, out)
  const { dataset, counts } = mergeDatasets(datasets)
  const isSplit = wanted.validation || wanted.test
  const parts: DatasetSplit = isSplit ? splitDisjoint(dataset, { by: splitBy, fractions, seed }) : { train: dataset }
  checkPartsForLeaks(parts, { documents: splitBy === 'document' ? 'relevant' : 'none' })
  const { files, losses } = writeParts(parts, folder, { format, overwrite })
  for (const loss of losses) out.warn(loss)
  const { test } = parts
  const warnings = test ? smallTestSet(test.name, test.queries.size, test.corpus.size) : []
  for (const warning of warnings) out.warn(warning)
  for (const note of notes) out.info(note)

  const sizes = Object.entries(parts).map(([part, data]) => ({ part, ...sizeOf(data) }))
  out.result(summary(sizes, counts, files, out.style))
  out.next(afterWriting(files))
  out.json({ inputs: args.files, format, files, parts: sizes, merged: counts, skipped, notes, warnings, losses })
}

async function readInputs(args: ImportArgs, out: Console) {
  const { skipInvalid, inputFormat, corpus, minClicks, query, document, grade, negative } = args
  const named = known({ query, document, query_id: args.queryId, document_id: args.documentId, grade, negative })
  const fields = named.length > 0 ? (Object.fromEntries(named) as FieldNames) : undefined
  const datasets: QADataset[] = []
  const notes: string[] = []
  let skipped = 0
  for (const path of args.files) {
    const options = { skipInvalid, format: inputFormat, fields, corpus, minClicks, keepHighest: true }
    const loaded = await readDataset(path, options)
    reportSkipped(loaded.skipped, out)
    skipped += loaded.skipped.length
    notes.push(...loaded.notes.map(note => `${path}: ${note}`))
    datasets.push(loaded.dataset)
  }
  return { datasets, skipped, notes }
}

function sizeOf({ queries, corpus, qrels }: QADataset) {
  const grades = [...qrels.values()].flatMap(judged => [...judged.values()])
  const pairs = grades.filter(grade => grade > 0).length
  return { queries: queries.size, documents: corpus.size, pairs, negatives: grades.length - pairs }
}

function summary(
  parts: readonly ({ readonly part: string } & ReturnType<typeof sizeOf>)[],
  merged: MergeCounts,
  files: readonly string[],
  style: Style,
): string {
  const heads = ['part', 'queries', 'documents', 'pairs', 'hard negatives']
  const cells = parts.map(row => [row.part, row.queries, row.documents, row.pairs, row.negatives].map(String))
  const table = formatTable([heads, ...cells], style)
  const lines = [
    merged.queries + merged.documents > 0 &&
      `merged     ${merged.queries} queries and ${merged.documents} documents into others of the same text`,
    merged.judgements > 0 &&
      `           ${count(merged.judgements, 'judgement')} of a pair judged already, ${merged.grades} with another grade (the highest is kept)`,
    merged.renamed > 0 && `renamed    ${count(merged.renamed, 'id')} that another text has`,
    ...files.map((file, i) => `${i === 0 ? 'written' : '       '}    ${file}`),
  ]
  return [table, '', ...lines.filter(line => line !== false)].join('\n')
}

import { tryJson } from '../json.js'
import { textProblem, toId } from './check.js'
import type { QADataset } from './dataset.js'
import { DATASET_FORMATS } from './formats/index.js'
import { probePath } from './probe.js'
import { type ReadDatasetOptions, readDataset } from './read.js'
import { readEntries } from './read-entries.js'
import { contentId, hasRecordField } from './records.js'
import { sampleOf } from './sample.js'
import { strictSink } from './sink.js'
import { foldText } from './text.js'
import { invalidFile, readTextLines } from './text-file.js'

/** A query that was asked, perhaps with relevance judgements. */
export interface AskedQuery {
  readonly id: string
  readonly text: string
  readonly searches: number
  /** document id -> grade; absent for a query of a log */
  readonly grades?: ReadonlyMap<string, number>
}

/** The key under which equal queries are one. */
export const queryKey = foldText

/** Lists the queries of a dataset. */
export function queriesOf({ queries, qrels }: QADataset): AskedQuery[] {
  return [...queries].map(([id, text]) => ({ id, text, searches: 1, grades: qrels.get(id) ?? new Map() }))
}

/**
 * Reads queries from a log (entries with `query`, and `count` if one stands for several searches), a dataset in any format, or a
 * text file with one query per line (or a JSON text). Equal queries of a log, whatever their case and blanks, are one.
 */
export async function readQueries(path: string, options: ReadDatasetOptions = {}): Promise<AskedQuery[]> {
  const probe = await probePath(path)
  const sample = sampleOf(probe, name => hasRecordField([name]) || name === 'clicked')
  const isLog = !probe.entries && sample.keys.includes('query') && !sample.keys.some(key => /^(doc|pos|neg)/.test(key))
  if (!isLog && (options.format || DATASET_FORMATS.some(format => format.detect(probe))))
    return queriesOf((await readDataset(path, options)).dataset)
  const found = new Map<string, { id: string; text: string; searches: number }>()
  const add = (raw: unknown, line: number | undefined, id?: unknown, count: unknown = 1): void => {
    const times = typeof count === 'string' ? Number(count) : count
    const problem = textProblem(raw) ?? (Number.isFinite(times) && (times as number) > 0 ? undefined : 'has a wrong "count"')
    if (problem) throw invalidFile({ file: path, line }, `the query ${problem}`)
    const text = (raw as string).trim()
    const known = found.get(queryKey(text))
    if (known) known.searches += times as number
    else found.set(queryKey(text), { id: toId(id) ?? contentId('query', text), text, searches: times as number })
  }
  if (isLog) {
    await readEntries(probe, sample, strictSink(path), {
      record: ({ query, query_id, count }, { line }) => add(query, line, query_id, count === '' ? 1 : (count ?? 1)),
      checkHeader: () => {},
    })
  } else {
    for await (const { line, text, problem } of readTextLines(path)) {
      if (problem) throw invalidFile({ file: path, line }, problem)
      if (text.trim() !== '') add(text.trimStart().startsWith('"') ? (tryJson(text) ?? text) : text, line)
    }
  }
  if (found.size > 0) return [...found.values()]
  throw invalidFile({ file: path }, 'holds no query, expected at least one')
}

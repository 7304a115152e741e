import { quote, show, textProblem, toId } from '../check.js'
import { foldText } from '../fold-text.js'
import { invalidFile, type Place } from '../place.js'
import { readEntries } from '../read-entries.js'
import { createRecordReader, type DatasetRecord } from '../records.js'
import { sampleOf } from '../sample.js'
import type { DatasetSink } from '../sink.js'
import { assertNoRepeatedColumn } from '../table.js'
import type { DatasetFormat, FormatOptions } from './format.js'
import { hasClickFields } from './other-fields.js'

const FIELDS = ['query', 'clicked', 'shown', 'clicks']
const isField = (name: string): boolean => FIELDS.includes(name)

/**
 * A search log: a query, what was clicked and, in the order of the ranking, what was shown; documents by text, or by id where
 * `corpus` is given.
 *
 * The grade of a document is the sum of its clicks over all entries of the same query (folded), where that is at least
 * `minClicks`. A document that was shown above a click, and was never clicked for that query, was looked at and passed over:
 * it is judged not relevant (grade 0). All other documents that were shown are not judged.
 *
 * @see https://doi.org/10.1145/775047.775067 (Joachims, 2002: "click > skip above")
 */
export const searchLog = {
  name: 'search-log',
  description: 'a search log: {query, clicked, shown}, as JSON Lines, a JSON array, CSV or TSV',
  hasSplits: false,
  hasFields: false,
  hasClicks: true,
  detect: probe => !probe.entries && hasClickFields(sampleOf(probe, isField).keys),
  async read(probe, sink, options) {
    const log: Log = new Map()
    const sample = sampleOf(probe, isField)
    await readEntries(probe, sample, sink, {
      record: (record, place) => addEntry(log, record, place, sample.layout === 'table', sink),
      checkHeader(columns, place) {
        assertNoRepeatedColumn(columns, place, isField)
        if (hasClickFields(columns)) return
        const found = columns.map(quote).join(', ')
        throw invalidFile(place, `the header has the columns ${found}, expected "query" and "clicked"`)
      },
    })
    if (!options.corpus) assertTexts(log, probe.path)
    pour(log, sink, options)
  },
} as const satisfies DatasetFormat

/** What is known of one query: clicks by document, and the documents that were shown, passed over or not. */
interface Searches {
  readonly query: string
  readonly place: Place
  readonly clicks: Map<string, number>
  readonly shown: Map<string, { passedOver: boolean; readonly place: Place }>
}
/** By folded query. */
type Log = Map<string, Searches>

function addEntry(log: Log, record: DatasetRecord, place: Place, isTable: boolean, sink: DatasetSink): void {
  const { query } = record
  const problem = textProblem(query)
  const clicked = toList(record.clicked, isTable)
  const shown = toList(record.shown, isTable)
  const clicks = record.clicks ?? 1
  const count = typeof clicks === 'string' && /^\s*\d+\s*$/.test(clicks) ? Number(clicks) : clicks === '' ? 1 : clicks
  if (problem) sink.leaveOut(`the query ${problem}`, place)
  else if (!clicked) sink.leaveOut(`"clicked" is ${show(record.clicked)}, expected a document or a list of them`, place)
  else if (!shown) sink.leaveOut(`"shown" is ${show(record.shown)}, expected a list of documents`, place)
  else if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) {
    sink.leaveOut(`"clicks" is ${show(clicks)}, expected a whole number`, place)
  } else {
    const key = foldText(query as string)
    const searches = log.get(key) ?? { query: query as string, place, clicks: new Map(), shown: new Map() }
    log.set(key, searches)
    if (count > 0) for (const id of clicked) searches.clicks.set(id, (searches.clicks.get(id) ?? 0) + count)
    const lowest = count > 0 ? shown.findLastIndex(id => clicked.includes(id)) : -1
    shown.forEach((id, rank) => {
      const known = searches.shown.get(id)
      if (!known) searches.shown.set(id, { passedOver: rank < lowest, place })
      else if (rank < lowest) known.passedOver = true
    })
  }
}

/** A document or a list of them; in a table a list is written as JSON, and an empty cell is an empty list. */
function toList(value: unknown, isTable: boolean): string[] | undefined {
  if (value === undefined || value === null || (isTable && value === '')) return []
  let list: unknown = value
  if (isTable && /^\s*\[/.test(value as string)) {
    try {
      list = JSON.parse(value as string)
    } catch {
      return undefined
    }
  }
  const ids = [list].flat().map(toId)
  return ids.every(id => id !== undefined) ? ids : undefined
}

/** @throws DATASET_INVALID when every document looks like an id, and there are no texts to them */
function assertTexts(log: Log, file: string): void {
  let example: string | undefined
  for (const { clicks } of log.values()) {
    for (const id of clicks.keys()) {
      if (!/^[\w.:/#@-]+$/.test(id)) return
      example ??= id
    }
  }
  if (example === undefined) return
  throw invalidFile(
    { file },
    `"clicked" holds ids (such as ${quote(example)}), expected texts. Give the documents with --corpus FILE (corpus: FILE).`,
  )
}

function pour(log: Log, sink: DatasetSink, { corpus, minClicks = 1 }: FormatOptions): void {
  const take = createRecordReader(sink)
  if (corpus) for (const [id, text] of corpus) sink.addDocument(id, text, { file: sink.name })
  let [dropped, unanswered] = [0, 0]
  for (const { query, place, clicks, shown } of log.values()) {
    const kept = [...clicks].filter(([, n]) => n >= minClicks)
    dropped += clicks.size - kept.length
    const document = (id: string) => (corpus ? { document_id: id } : { document: id })
    if (kept.length === 0) unanswered++
    for (const [id, grade] of kept) take({ query, ...document(id), grade }, place, { exact: true })
    for (const [id, { passedOver, place: at }] of shown) {
      if (kept.length > 0 && passedOver && !clicks.has(id))
        take({ query, ...document(id), grade: 0 }, at, { exact: true })
      else if (!corpus && !clicks.has(id)) take(document(id), at, { exact: true })
    }
  }
  if (dropped > 0) sink.note(`${dropped} pairs of a query and a document with fewer than ${minClicks} clicks left out`)
  if (unanswered > 0) sink.note(`${unanswered} queries without a document of ${minClicks} or more clicks left out`)
}

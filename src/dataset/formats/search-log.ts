import { tryJson } from '../../json.js'
import { getOrInsert } from '../../maps.js'
import { quote, show, textProblem, toId } from '../check.js'
import { hasClickFields } from '../fields.js'
import { readEntries } from '../read-entries.js'
import { createRecordReader, type DatasetRecord } from '../records.js'
import { sampleOf } from '../sample.js'
import type { DatasetSink } from '../sink.js'
import { assertNoRepeatedColumn } from '../table.js'
import { foldText } from '../text.js'
import { invalidFile, type Place } from '../text-file.js'
import type { DatasetFormat, FormatOptions } from './format.js'

const FIELDS = ['query', 'clicked', 'shown', 'clicks', 'time']
/** Numbers from here on are milliseconds since 1970; as seconds they would be times after the year 5000. */
const MILLISECONDS = 1e11
const isField = (name: string): boolean => FIELDS.includes(name)

/**
 * A search log: a query, the documents clicked and, in the order of the ranking, the documents shown; by text, or by id
 * if `corpus` is given.
 *
 * The grade of a document is the sum of its clicks over all entries of the same query (folded), if that is at least
 * `minClicks`. A document shown above a click, and never clicked for that query, was passed over: it is judged not
 * relevant (grade 0). All other documents shown are not judged.
 * @see https://doi.org/10.1145/775047.775067 (Joachims, 2002: "click > skip above")
 */
export const searchLog = {
  name: 'search-log',
  description: 'a search log: {query, clicked, shown, time}, as JSON Lines, a JSON array, CSV or TSV',
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
    if (!options.corpus && !options.documentsElsewhere) assertTexts(log, probe.path)
    pour(log, sink, options)
  },
} as const satisfies DatasetFormat

interface Searches {
  readonly query: string
  readonly place: Place
  /** Of the first search, in milliseconds since 1970. */
  time?: number
  readonly clicks: Map<string, number>
  readonly shown: Map<string, { passedOver: boolean; readonly place: Place }>
}
type Log = Map<string, Searches>

function addEntry(log: Log, record: DatasetRecord, place: Place, isTable: boolean, sink: DatasetSink): void {
  const { query } = record
  const problem = textProblem(query)
  const clicked = toList(record.clicked, isTable)
  const shown = toList(record.shown, isTable)
  const time = record.time ?? ''
  const milliseconds = time === '' ? undefined : toMilliseconds(time)
  const clicks = record.clicks ?? 1
  const count = typeof clicks === 'string' && /^\s*\d+\s*$/.test(clicks) ? Number(clicks) : clicks === '' ? 1 : clicks
  if (problem) sink.leaveOut(`the query ${problem}`, place)
  else if (!clicked) sink.leaveOut(`"clicked" is ${show(record.clicked)}, expected a document or a list of them`, place)
  else if (!shown) sink.leaveOut(`"shown" is ${show(record.shown)}, expected a list of documents`, place)
  else if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) {
    sink.leaveOut(`"clicks" is ${show(clicks)}, expected a whole number`, place)
  } else if (milliseconds !== undefined && !Number.isFinite(milliseconds)) {
    sink.leaveOut(`"time" is ${show(time)}, expected a time such as 2026-05-31T12:00:00Z, or seconds since 1970`, place)
  } else {
    const key = foldText(query as string)
    const make = (): Searches => ({ query: query as string, place, clicks: new Map(), shown: new Map() })
    const searches = getOrInsert(log, key, make)
    if (milliseconds !== undefined) searches.time = Math.min(milliseconds, searches.time ?? milliseconds)
    if (count > 0) for (const id of clicked) searches.clicks.set(id, (searches.clicks.get(id) ?? 0) + count)
    const lowest = count > 0 ? shown.findLastIndex(id => clicked.includes(id)) : -1
    shown.forEach((id, rank) => {
      const known = searches.shown.get(id)
      if (!known) searches.shown.set(id, { passedOver: rank < lowest, place })
      else if (rank < lowest) known.passedOver = true
    })
  }
}

/** Reads a time: seconds or (above {@link MILLISECONDS}) milliseconds since 1970, or a text of ISO 8601; NaN if it is neither. */
function toMilliseconds(time: unknown): number {
  const number = typeof time === 'string' && time.trim() !== '' ? Number(time) : time
  if (typeof number === 'number' && Number.isFinite(number)) return number < MILLISECONDS ? number * 1000 : number
  return typeof time === 'string' && /^\d{4}-\d{2}-\d{2}/.test(time.trim()) ? Date.parse(time.trim()) : Number.NaN
}

/** Reads a document or a list of them; in a table a list is written as JSON, and an empty cell is an empty list. */
function toList(value: unknown, isTable: boolean): string[] | undefined {
  if (value === undefined || value === null || (isTable && value === '')) return []
  let list: unknown = value
  if (isTable && /^\s*\[/.test(value as string)) {
    list = tryJson(value as string)
    if (list === undefined) return undefined
  }
  const ids = [list].flat().map(toId)
  return ids.every(id => id !== undefined) ? ids : undefined
}

/** @throws DATASET_INVALID if every document looks like an id */
function assertTexts(log: Log, file: string): void {
  let example: string | undefined
  for (const { clicks } of log.values()) {
    for (const id of clicks.keys()) {
      if (!/^[\w.:/#@-]+$/.test(id)) return
      example ??= id
    }
  }
  if (example === undefined) return
  const fix = 'Give the documents with --corpus FILE (corpus: FILE).'
  throw invalidFile({ file }, `"clicked" holds ids (such as ${quote(example)}), expected texts. ${fix}`)
}

function pour(log: Log, sink: DatasetSink, { corpus, minClicks = 1, documentsElsewhere }: FormatOptions): void {
  const byId = corpus !== undefined || documentsElsewhere === true
  const take = createRecordReader(sink)
  if (corpus) for (const [id, text] of corpus) sink.addDocument(id, text, { file: sink.name })
  let [dropped, unanswered] = [0, 0]
  for (const { query, place, time, clicks, shown } of log.values()) {
    if (time !== undefined) sink.times.set(query, time)
    const kept = [...clicks].filter(([, n]) => n >= minClicks)
    dropped += clicks.size - kept.length
    const document = (id: string) => (byId ? { document_id: id } : { document: id })
    if (kept.length === 0) unanswered++
    for (const [id, grade] of kept) take({ query, ...document(id), grade }, place, { exact: true })
    for (const [id, { passedOver, place: at }] of shown) {
      if (kept.length > 0 && passedOver && !clicks.has(id)) take({ query, ...document(id), grade: 0 }, at, { exact: true })
      else if (!byId && !clicks.has(id)) take(document(id), at, { exact: true })
    }
  }
  if (dropped > 0) sink.note(`${dropped} pairs of a query and a document with fewer than ${minClicks} clicks left out`)
  if (unanswered > 0) sink.note(`${unanswered} queries without a document of ${minClicks} or more clicks left out`)
}

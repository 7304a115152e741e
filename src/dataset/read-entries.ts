import { show } from './check.js'
import { createLineFinder, JsonCursor, JsonSyntaxError, readJsonDocument } from './json-cursor.js'
import type { Probe } from './probe.js'
import { type DatasetRecord, readJsonRecord } from './records.js'
import type { Sample } from './sample.js'
import type { DatasetSink } from './sink.js'
import { readTable } from './table.js'
import { invalidFile, type Place, readTextLines } from './text-file.js'

/** Takes a record and its place. */
export type ReadRecord = (record: DatasetRecord, place: Place) => void

interface EntryReader {
  readonly record: ReadRecord
  tuple?(values: readonly unknown[], place: Place): void
  /** @throws DATASET_INVALID if a table does not have the expected columns */
  checkHeader(columns: readonly string[], place: Place): void
}

type JsonReader = Omit<EntryReader, 'checkHeader'>

/** Reads the entries of a JSON array, JSON Lines or a table. @throws DATASET_INVALID if the file is broken as a whole */
export async function readEntries({ path }: Probe, sample: Sample, sink: DatasetSink, reader: EntryReader) {
  const { layout, delimiter = ',' } = sample
  if (layout === 'table') {
    const quotes = delimiter === '\t' ? 'as-needed' : 'always'
    const options = { delimiter, quotes, checkHeader: reader.checkHeader } as const
    for await (const { cells, place } of readTable(path, sink, options)) reader.record(cells, place)
  } else if (layout === 'lines') {
    await readJsonLines(path, sink, reader)
  } else {
    await readJsonDocument(path, cursor => {
      const lineAt = createLineFinder(cursor.text)
      if (cursor.peek() !== '[') throw invalidFile({ file: path }, `is ${show(cursor.value())}, expected an array`)
      cursor.array(() => readEntry(cursor, sink, { file: path, line: lineAt(cursor.offset) }, reader))
    })
  }
}

/** Reads JSON Lines; an array is an entry only with `tuple`. Wrong lines go to the sink. */
export async function readJsonLines(path: string, sink: DatasetSink, reader: JsonReader) {
  for await (const { line, text, problem } of readTextLines(path)) {
    const place = { file: path, line }
    if (problem) sink.leaveOut(problem, place)
    if (problem || text.trim() === '') continue
    const cursor = new JsonCursor(text)
    try {
      // Checked before anything is taken from it: a line counts as a whole.
      cursor.skip()
      cursor.end()
      cursor.offset = 0
      readEntry(cursor, sink, place, reader)
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error
      sink.leaveOut(`is not JSON: column ${error.offset + 1}: ${error.message}`, place)
    }
  }
}

function readEntry(cursor: JsonCursor, sink: DatasetSink, place: Place, { record, tuple }: JsonReader): void {
  if (tuple && cursor.peek() === '[') tuple(cursor.value() as readonly unknown[], place)
  else {
    const entry = readJsonRecord(cursor, sink, place)
    if (entry) record(entry, place)
  }
}

import { show } from './check.js'
import { createLineFinder, JsonCursor, JsonSyntaxError } from './json-cursor.js'
import { readJsonDocument } from './json-document.js'
import { invalidFile, type Place } from './place.js'
import type { Probe } from './probe.js'
import { type DatasetRecord, readJsonLine, readJsonRecord } from './records.js'
import type { Sample } from './sample.js'
import type { DatasetSink } from './sink.js'
import { readTable } from './table.js'
import { readTextLines } from './text-file.js'

/** What takes the entries of a file. */
export interface EntryReader {
  record(record: DatasetRecord, place: Place): void
  /** Where an entry may be an array. */
  tuple?(values: readonly unknown[], place: Place): void
  /** @throws DATASET_INVALID when the columns of a table are not those that are expected */
  checkHeader(columns: readonly string[], place: Place): void
}

/**
 * Reads the entries of a JSON array, of JSON Lines, or of a table, whichever the file is.
 *
 * @throws DATASET_INVALID when it is broken as a whole
 */
export async function readEntries(
  { path }: Probe,
  { layout, delimiter = ',' }: Sample,
  sink: DatasetSink,
  reader: EntryReader,
): Promise<void> {
  if (layout === 'table') {
    const quotes = delimiter === '\t' ? 'as-needed' : 'always'
    const options = { delimiter, quotes, checkHeader: reader.checkHeader } as const
    for await (const { cells, place } of readTable(path, sink, options)) reader.record(cells, place)
  } else if (layout === 'lines') {
    for await (const { line, text, problem } of readTextLines(path)) {
      const place = { file: path, line }
      if (problem) sink.leaveOut(problem, place)
      else if (text.trim() !== '') readLine(text, place, sink, reader)
    }
  } else {
    await readJsonDocument(path, cursor => {
      const lineAt = createLineFinder(cursor.text)
      if (cursor.peek() !== '[') throw invalidFile({ file: path }, `is ${show(cursor.value())}, expected an array`)
      cursor.array(() => readEntry(cursor, { file: path, line: lineAt(cursor.offset) }, sink, reader))
    })
  }
}

function readLine(text: string, place: Place, sink: DatasetSink, reader: EntryReader): void {
  if (!reader.tuple || !text.trimStart().startsWith('[')) {
    const record = readJsonLine(text, sink, place)
    if (record) reader.record(record, place)
    return
  }
  const cursor = new JsonCursor(text)
  let values: readonly unknown[]
  try {
    values = cursor.value() as readonly unknown[]
    cursor.end()
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    sink.leaveOut(`is not JSON: column ${error.offset + 1}: ${error.message}`, place)
    return
  }
  reader.tuple(values, place)
}

function readEntry(cursor: JsonCursor, place: Place, sink: DatasetSink, reader: EntryReader): void {
  if (reader.tuple && cursor.peek() === '[') reader.tuple(cursor.value() as readonly unknown[], place)
  else {
    const record = readJsonRecord(cursor, sink, place)
    if (record) reader.record(record, place)
  }
}

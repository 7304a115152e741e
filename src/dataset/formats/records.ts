import {
  checkRecordHeader,
  columnFields,
  type FieldNames,
  hasClickFields,
  hasTripletFields,
  isRecordColumn,
  renameFields,
  rowToRecord,
} from '../fields.js'
import type { Probe } from '../probe.js'
import { readEntries } from '../read-entries.js'
import { createRecordReader, type DatasetRecord, hasRecordField } from '../records.js'
import { type Layout, sampleOf } from '../sample.js'
import type { DatasetSink } from '../sink.js'
import type { Delimiter } from '../table.js'
import type { Place } from '../text-file.js'
import type { DatasetFormat } from './format.js'

function detectsRecords(probe: Probe, layout: Layout): boolean {
  if (probe.entries) return false
  const { layout: found, keys, isTuple } = sampleOf(probe, column => hasRecordField([column]))
  if (found !== layout || isTuple) return false
  const isOther = hasTripletFields(keys) || hasClickFields(keys)
  return isOther
    ? keys.includes('document') || keys.includes('document_id')
    : layout === 'array' || hasRecordField(keys)
}

async function readRecords(
  probe: Probe,
  sink: DatasetSink,
  layout: Layout,
  fields: FieldNames | undefined,
  delimiter?: Delimiter,
): Promise<void> {
  const names = fields && layout === 'table' ? columnFields(fields) : fields
  const take = createRecordReader(sink)
  const style = names && { query: names.query, document: names.document, exact: true }
  const takeAll = (record: DatasetRecord, place: Place): void => {
    const { negative, ...judged } = record
    if (!names) take(record, place)
    else {
      take(judged, place, style)
      for (const document of [negative ?? []].flat()) {
        take({ query: judged.query, query_id: judged.query_id, document, grade: 0 }, place, {
          ...style,
          document: names.negative,
        })
      }
    }
  }
  const toRecord = (record: DatasetRecord, place: Place): DatasetRecord => {
    if (layout === 'table') return rowToRecord({ cells: record as Record<string, string>, place }, names)
    return names ? renameFields(record, names) : record
  }
  await readEntries(probe, { layout, delimiter, keys: [], isTuple: false }, sink, {
    record: (record, place) => takeAll(toRecord(record, place), place),
    checkHeader: (columns, place) => checkRecordHeader(columns, place, names),
  })
}

/** Recognises the format of a file whose fields the user has named. */
export function formatOfFields(probe: Probe, fields: FieldNames): 'json' | 'jsonl' | 'csv' | 'tsv' {
  const { layout, delimiter } = sampleOf(probe, isRecordColumn(fields))
  if (layout !== 'table') return layout === 'array' ? 'json' : 'jsonl'
  return delimiter === '\t' ? 'tsv' : 'csv'
}

function recordDelimiter(probe: Probe, fields: FieldNames | undefined): Delimiter | undefined {
  return sampleOf(probe, isRecordColumn(fields)).delimiter
}

/** CSV as of RFC 4180 with a header row; the delimiter (comma or semicolon) is read off the header. */
export const csv = {
  name: 'csv',
  description: 'CSV (comma or semicolon) with the header query, document, optionally query_id, document_id, grade',
  hasFields: true,
  detect: probe => detectsRecords(probe, 'table') && recordDelimiter(probe, undefined) !== '\t',
  read: (probe, sink, { fields }) => readRecords(probe, sink, 'table', fields, recordDelimiter(probe, fields)),
} as const satisfies DatasetFormat

/** A JSON array of records; the fields are those of JSON Lines. */
export const json = {
  name: 'json',
  description: 'a JSON array of such objects',
  hasFields: true,
  detect: probe => detectsRecords(probe, 'array'),
  read: (probe, sink, { fields }) => readRecords(probe, sink, 'array', fields),
} as const satisfies DatasetFormat

/** JSON Lines: one record per line; a line with a document and no query adds to the corpus. */
export const jsonl = {
  name: 'jsonl',
  description: 'JSON Lines of {query, document}, optionally with query_id, document_id and grade',
  hasFields: true,
  detect: probe => detectsRecords(probe, 'lines'),
  read: (probe, sink, { fields }) => readRecords(probe, sink, 'lines', fields),
} as const satisfies DatasetFormat

/** Tab-separated values with a header row; a quote is an ordinary character unless a whole cell is quoted as in CSV. */
export const tsv = {
  name: 'tsv',
  description: 'the same separated by tabs',
  hasFields: true,
  detect: probe => detectsRecords(probe, 'table') && recordDelimiter(probe, undefined) === '\t',
  read: (probe, sink, { fields }) => readRecords(probe, sink, 'table', fields, '\t'),
} as const satisfies DatasetFormat

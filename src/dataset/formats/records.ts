import {
  checkRecordHeader,
  columnFields,
  type FieldNames,
  isRecordColumn,
  renameFields,
  rowToRecord,
} from '../fields.js'
import type { Place } from '../place.js'
import type { Probe } from '../probe.js'
import { readEntries } from '../read-entries.js'
import { createRecordReader, type DatasetRecord, hasRecordField } from '../records.js'
import { type Layout, sampleOf } from '../sample.js'
import type { DatasetSink } from '../sink.js'
import type { Delimiter } from '../table.js'
import { hasClickFields, hasTripletFields } from './other-fields.js'

/** How the formats json, jsonl, csv and tsv tell whether a file holds records, each in its own layout. */
export function detectsRecords(probe: Probe, layout: Layout): boolean {
  if (probe.entries) return false
  const { layout: found, keys, isTuple } = sampleOf(probe, column => hasRecordField([column]))
  if (found !== layout || isTuple) return false
  const isOther = hasTripletFields(keys) || hasClickFields(keys)
  return isOther
    ? keys.includes('document') || keys.includes('document_id')
    : layout === 'array' || hasRecordField(keys)
}

/** Reads records of {@link RECORD_FIELDS}, or of the user's own names for them. */
export async function readRecords(
  probe: Probe,
  sink: DatasetSink,
  {
    layout,
    delimiter,
    fields,
  }: { readonly layout: Layout; readonly delimiter?: Delimiter; readonly fields?: FieldNames },
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

/** Which of the formats of records a file has, where the user says what its fields are called. */
export function formatOfFields(probe: Probe, fields: FieldNames): 'json' | 'jsonl' | 'csv' | 'tsv' {
  const { layout, delimiter } = sampleOf(probe, isRecordColumn(fields))
  if (layout !== 'table') return layout === 'array' ? 'json' : 'jsonl'
  return delimiter === '\t' ? 'tsv' : 'csv'
}

/** The delimiter of a table of records. */
export function recordDelimiter(probe: Probe, fields: FieldNames | undefined): Delimiter | undefined {
  return sampleOf(probe, isRecordColumn(fields)).delimiter
}

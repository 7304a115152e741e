import type { DatasetFormat } from './format.js'
import { detectsRecords, readRecords, recordDelimiter } from './records.js'

/** CSV as of RFC 4180 with a header row; the delimiter (comma or semicolon) is read off the header. */
export const csv = {
  name: 'csv',
  description: 'CSV (comma or semicolon) with the header query, document, optionally query_id, document_id, grade',
  hasSplits: false,
  hasFields: true,
  detect: probe => detectsRecords(probe, 'table') && recordDelimiter(probe, undefined) !== '\t',
  read: (probe, sink, { fields }) =>
    readRecords(probe, sink, { layout: 'table', delimiter: recordDelimiter(probe, fields), fields }),
} as const satisfies DatasetFormat

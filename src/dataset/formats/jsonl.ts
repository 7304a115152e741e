import type { DatasetFormat } from './format.js'
import { detectsRecords, readRecords } from './records.js'

/** JSON Lines: one record a line; a line with a document and no query adds to the corpus. */
export const jsonl = {
  name: 'jsonl',
  description: 'JSON Lines of {query, document}, optionally with query_id, document_id and grade',
  hasSplits: false,
  hasFields: true,
  detect: probe => detectsRecords(probe, 'lines'),
  read: (probe, sink, { fields }) => readRecords(probe, sink, { layout: 'lines', fields }),
} as const satisfies DatasetFormat

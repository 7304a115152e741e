import type { DatasetFormat } from './format.js'
import { detectsRecords, readRecords, recordDelimiter } from './records.js'

/** Tab-separated values with a header row; a quote is a character like any other, unless a whole cell is quoted as in CSV. */
export const tsv = {
  name: 'tsv',
  description: 'the same separated by tabs',
  hasSplits: false,
  hasFields: true,
  detect: probe => detectsRecords(probe, 'table') && recordDelimiter(probe, undefined) === '\t',
  read: (probe, sink, { fields }) => readRecords(probe, sink, { layout: 'table', delimiter: '\t', fields }),
} as const satisfies DatasetFormat

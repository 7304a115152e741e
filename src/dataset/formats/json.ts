import type { DatasetFormat } from './format.js'
import { detectsRecords, readRecords } from './records.js'

/** A JSON array of records; the fields are those of JSON Lines. */
export const json = {
  name: 'json',
  description: 'a JSON array of such objects',
  hasSplits: false,
  hasFields: true,
  detect: probe => detectsRecords(probe, 'array'),
  read: (probe, sink, { fields }) => readRecords(probe, sink, { layout: 'array', fields }),
} as const satisfies DatasetFormat

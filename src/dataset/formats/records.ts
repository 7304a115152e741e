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
import { type Layout, type Sample, sampleOf } from '../sample.js'
import type { DatasetSink } from '../sink.js'
import type { Place } from '../text-file.js'
import type { DatasetFormat } from './format.js'

const LAYOUTS = { csv: 'table', json: 'array', jsonl: 'lines', tsv: 'table' } as const satisfies Record<string, Layout>
type RecordFormat = keyof typeof LAYOUTS

function formatOf({ layout, delimiter }: Sample): RecordFormat {
  if (layout !== 'table') return layout === 'array' ? 'json' : 'jsonl'
  return delimiter === '\t' ? 'tsv' : 'csv'
}

/** Recognises the format of a file whose fields the user has named. */
export function formatOfFields(probe: Probe, fields: FieldNames): RecordFormat {
  return formatOf(sampleOf(probe, isRecordColumn(fields)))
}

function detectRecords(probe: Probe): RecordFormat | undefined {
  if (probe.entries) return undefined
  const sample = sampleOf(probe, column => hasRecordField([column]))
  const { layout, keys, isTuple } = sample
  const isOther = hasTripletFields(keys) || hasClickFields(keys)
  const isRecord = isOther
    ? keys.includes('document') || keys.includes('document_id')
    : layout === 'array' || hasRecordField(keys)
  return isRecord && !isTuple ? formatOf(sample) : undefined
}

async function readRecords(probe: Probe, sink: DatasetSink, name: RecordFormat, fields: FieldNames | undefined) {
  const layout = LAYOUTS[name]
  const delimiter = name === 'tsv' ? '\t' : sampleOf(probe, isRecordColumn(fields)).delimiter
  const names = fields && layout === 'table' ? columnFields(fields) : fields
  const take = createRecordReader(sink)
  const style = names && { query: names.query, document: names.document, exact: true }
  const takeAll = (record: DatasetRecord, place: Place): void => {
    const { negative, ...judged } = record
    if (!names) take(record, place)
    else {
      take(judged, place, style)
      for (const document of [negative ?? []].flat()) {
        const judgement = { query: judged.query, query_id: judged.query_id, document, grade: 0 }
        take(judgement, place, { ...style, document: names.negative })
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

const recordFormat = <Name extends RecordFormat>(name: Name, description: string) =>
  ({
    name,
    description,
    hasFields: true,
    detect: probe => detectRecords(probe) === name,
    read: (probe, sink, { fields }) => readRecords(probe, sink, name, fields),
  }) as const satisfies DatasetFormat

/** CSV as of RFC 4180 with a header row; the delimiter (comma or semicolon) is read off the header. */
export const csv = recordFormat(
  'csv',
  'CSV (comma or semicolon) with the header query, document, optionally query_id, document_id, grade',
)

/** A JSON array of records; the fields are those of JSON Lines. */
export const json = recordFormat('json', 'a JSON array of such objects')

/** JSON Lines: one record per line; a line with a document and no query adds to the corpus. */
export const jsonl = recordFormat('jsonl', 'JSON Lines of {query, document}, optionally with query_id, document_id and grade')

/** Tab-separated values with a header row; a quote is an ordinary character unless a whole cell is quoted as in CSV. */
export const tsv = recordFormat('tsv', 'the same separated by tabs')

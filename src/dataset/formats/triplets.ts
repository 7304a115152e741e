import { quote, show } from '../check.js'
import { ANCHOR_FIELDS, hasTripletFields, NEGATIVE_FIELDS, POSITIVE_FIELDS } from '../fields.js'
import { readEntries } from '../read-entries.js'
import { createRecordReader } from '../records.js'
import { sampleOf } from '../sample.js'
import { assertNoRepeatedColumn } from '../table.js'
import { invalidFile, type Place } from '../text-file.js'
import type { DatasetFormat } from './format.js'

const isField = (name: string): boolean =>
  [...ANCHOR_FIELDS, ...POSITIVE_FIELDS].some(known => known === name) || NEGATIVE_FIELDS.test(name)

/**
 * Pairs and triplets of sentence-transformers: objects with `anchor` (or `query`), `positive` (`pos`) and `negative` (`neg`,
 * `negative_1`, ...), each a text or a list of them; or arrays of an anchor, a positive and negatives. As JSON Lines, a JSON array
 * or a table. Negatives are documents of grade 0; one that is a positive of the same query elsewhere is none.
 * @see https://sbert.net/docs/sentence_transformer/dataset_overview.html
 */
export const triplets = {
  name: 'triplets',
  description:
    'sentence-transformers pairs and triplets: {anchor, positive, negative} or {query, pos: [...], neg: [...]} or ' +
    '["anchor", "positive", "negative"], as JSON Lines, a JSON array, CSV or TSV',
  detect(probe) {
    if (probe.entries) return false
    const { keys, isTuple } = sampleOf(probe, isField)
    return isTuple || hasTripletFields(keys)
  },
  async read(probe, sink) {
    sink.keepHighest = true
    const take = createRecordReader(sink)
    const takeParts = (query: Named, positives: readonly Named[], negatives: readonly Named[], place: Place): void => {
      for (const document of [...positives, ...negatives]) {
        const style = { query: query.name, document: document.name, exact: true }
        const grade = positives.includes(document) ? 1 : 0
        take({ query: query.text, document: document.text ?? '', grade }, place, style)
      }
    }
    const sample = sampleOf(probe, isField)
    await readEntries(probe, sample, sink, {
      record(record, place) {
        const keys = Object.keys(record)
        const anchor = ANCHOR_FIELDS.find(name => record[name] !== undefined)
        const fields = (isWanted: (name: string) => boolean): Named[] =>
          keys.filter(isWanted).flatMap(name => listOf(record[name]).map(text => ({ name, text })))
        const positives = fields(name => POSITIVE_FIELDS.some(known => known === name))
        if (anchor === undefined) sink.leaveOut('has no anchor, expected "anchor" or "query"', place)
        else if (typeof record[anchor] !== 'string') {
          sink.leaveOut(`the ${anchor} is ${show(record[anchor])}, expected a string`, place)
        } else if (positives.length === 0) {
          sink.leaveOut('has no positive, expected "positive" or "pos": a text or a list of them', place)
        } else {
          const negatives = fields(name => NEGATIVE_FIELDS.test(name))
          takeParts({ name: anchor, text: record[anchor] }, positives, negatives, place)
        }
      },
      tuple(values, place) {
        const wrong = values.findIndex(value => typeof value !== 'string')
        if (values.length < 2) {
          sink.leaveOut(`is an array of ${values.length}, expected an anchor, a positive and negatives`, place)
        } else if (wrong >= 0) {
          sink.leaveOut(`element ${wrong + 1} is ${show(values[wrong])}, expected a string`, place)
        } else {
          const [query, positive, ...negatives] = values.map((text, i) => ({ name: PLACES[Math.min(i, 2)], text }))
          takeParts(query, [positive], negatives, place)
        }
      },
      checkHeader(columns, place) {
        assertNoRepeatedColumn(columns, place, isField)
        if (hasTripletFields(columns)) return
        const found = columns.map(quote).join(', ')
        throw invalidFile(place, `the header has the columns ${found}, expected "anchor" and "positive"`)
      },
    })
  },
} as const satisfies DatasetFormat

const PLACES = ['anchor', 'positive', 'negative'] as const

/** A text under the name that the file has for it. */
type Named = { readonly name: string; readonly text: unknown }

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return value === undefined || value === null || value === '' ? [] : [value]
}

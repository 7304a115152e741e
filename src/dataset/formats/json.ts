import { show } from '../check.js'
import { createLineFinder } from '../json-cursor.js'
import { readJsonDocument } from '../json-document.js'
import { invalidFile } from '../place.js'
import { createRecordReader, readJsonRecord } from '../records.js'
import type { DatasetFormat } from './format.js'

/** A JSON array of records; the fields are those of JSON Lines. */
export const json = {
  name: 'json',
  description: 'a JSON array of such objects',
  hasSplits: false,
  detect: ({ head }) => head.trimStart().startsWith('['),
  async read({ path }, sink) {
    const take = createRecordReader(sink)
    await readJsonDocument(path, cursor => {
      const lineAt = createLineFinder(cursor.text)
      if (cursor.peek() !== '[') throw invalidFile({ file: path }, `is ${show(cursor.value())}, expected an array`)
      cursor.array(() => {
        const place = { file: path, line: lineAt(cursor.offset) }
        const record = readJsonRecord(cursor, sink, place)
        if (record) take(record, place)
      })
    })
  },
} as const satisfies DatasetFormat

import { leadingKeys } from '../json-cursor.js'
import { createRecordReader, hasRecordField, readJsonLine } from '../records.js'
import { readTextLines } from '../text-file.js'
import type { DatasetFormat } from './format.js'

/** Lines that are looked at, so that a broken first line does not hide the format. */
const DETECT_LINES = 20

/** JSON Lines: one record a line; a line with a document and no query adds to the corpus. */
export const jsonl = {
  name: 'jsonl',
  description: 'JSON Lines of {query, document}, optionally with query_id, document_id and grade',
  hasSplits: false,
  detect: ({ head }) => head.split('\n', DETECT_LINES).some(line => hasRecordField(leadingKeys(line))),
  async read({ path }, sink) {
    const take = createRecordReader(sink)
    for await (const { line, text, problem } of readTextLines(path)) {
      const place = { file: path, line }
      if (problem) sink.leaveOut(problem, place)
      else if (text.trim() !== '') {
        const record = readJsonLine(text, sink, place)
        if (record) take(record, place)
      }
    }
  },
} as const satisfies DatasetFormat

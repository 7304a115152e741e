import { join } from 'node:path'
import { quote, show, textProblem, toId } from './check.js'
import { llamaindex } from './formats/llamaindex.js'
import { probePath } from './probe.js'
import { readEntries } from './read-entries.js'
import type { DatasetRecord } from './records.js'
import { sampleOf } from './sample.js'
import { createSink, strictSink } from './sink.js'
import { invalidFile, type Place } from './text-file.js'

const ID_FIELDS = ['document_id', '_id', 'id', 'doc_id'] as const
const TEXT_FIELDS = ['document', 'text'] as const

const isField = (name: string): boolean => [...ID_FIELDS, ...TEXT_FIELDS, 'title'].some(known => known === name)
const hasFields = (keys: readonly string[]): boolean =>
  [ID_FIELDS, TEXT_FIELDS].every(names => names.some(name => keys.includes(name)))

/**
 * Reads documents with their ids: JSON Lines (such as BEIR's corpus.jsonl), a JSON array, CSV or TSV with `document_id` (or `_id`,
 * `id`, `doc_id`) and `document` (or `text`), and optionally `title`, which is put before the text; or the corpus of a dataset in
 * LlamaIndex's JSON or in a BEIR folder.
 */
export async function readCorpus(path: string): Promise<ReadonlyMap<string, string>> {
  const probe = await probePath(path)
  if (probe.entries?.includes('corpus.jsonl')) return readCorpus(join(path, 'corpus.jsonl'))
  if (probe.entries) throw invalidFile({ file: path }, 'is a folder without corpus.jsonl, expected documents')
  if (llamaindex.detect(probe)) {
    const sink = createSink(path, path, false)
    await llamaindex.read(probe, sink, {})
    return sink.finish().dataset.corpus
  }
  const corpus = new Map<string, string>()
  const record = (entry: DatasetRecord, place: Place): void => {
    const [idField, textField] = [ID_FIELDS, TEXT_FIELDS].map(names => names.find(name => entry[name] !== undefined))
    const id = idField && toId(entry[idField])
    const body = textField && entry[textField]
    if (id === undefined) throw wrong(place, `the id is ${show(idField && entry[idField])}`, `"document_id" or "id"`)
    const { title } = entry
    const text = typeof body === 'string' && typeof title === 'string' ? `${title} ${body}`.trim() : body
    const problem = textProblem(text)
    if (problem) throw wrong(place, `the text of document ${quote(id)} ${problem}`, `"document" or "text"`)
    if (corpus.has(id)) throw invalidFile(place, `document ${quote(id)} is given again, expected it once`)
    corpus.set(id, text as string)
  }
  const sink = strictSink(path)
  await readEntries(probe, sampleOf(probe, isField), sink, {
    record,
    checkHeader(columns, place) {
      if (!hasFields(columns)) throw wrong(place, `the header has ${columns.map(quote).join(', ')}`, '"id" and "text"')
    },
  })
  return corpus
}

const wrong = (place: Place, found: string, expected: string) => invalidFile(place, `${found}, expected ${expected}`)

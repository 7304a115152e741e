import { quote, show } from '../check.js'
import { createLineFinder, type JsonCursor, leadingKeys, readJsonDocument } from '../json-cursor.js'
import type { DatasetSink } from '../sink.js'
import { invalidFile, type Place } from '../text-file.js'
import type { DatasetFormat } from './format.js'

const SECTIONS = ['queries', 'corpus', 'relevant_docs'] as const

/**
 * LlamaIndex's EmbeddingQAFinetuneDataset. A value of `relevant_docs` is a list of document ids, or as an extension an
 * object of document id to grade.
 * @see https://docs.llamaindex.ai/en/stable/examples/finetuning/embeddings/finetune_embedding/
 */
export const llamaindex = {
  name: 'llamaindex',
  description: 'a JSON object with queries, corpus and relevant_docs (LlamaIndex EmbeddingQAFinetuneDataset)',
  detect: ({ head }) => leadingKeys(head).some(isSection),
  async read({ path }, sink, { documentsElsewhere }) {
    await readJsonDocument(path, cursor => {
      const lineAt = createLineFinder(cursor.text)
      const place = (offset: number): Place => ({ file: path, line: lineAt(offset) })
      const found = new Set<string>()
      if (cursor.peek() !== '{') throw invalidFile({ file: path }, `is ${show(cursor.value())}, expected an object`)
      cursor.object((key, offset) => {
        if (found.has(key)) throw invalidFile(place(offset), `the key ${quote(key)} is given twice, expected it once`)
        found.add(key)
        if (!isSection(key)) cursor.skip()
        else if (cursor.peek() === '{') readSection[key](cursor, sink, place)
        else throw invalidFile(place(offset), `"${key}" is ${show(cursor.value())}, expected an object of id to value`)
      })
      const missing = SECTIONS.filter(section => !found.has(section) && !(section === 'corpus' && documentsElsewhere)).map(
        section => `"${section}"`,
      )
      if (missing.length === 0) return
      const keys = [...found].map(quote).join(', ') || 'none'
      throw invalidFile({ file: path }, `has no ${missing.join(' and no ')}; found the keys ${keys}`)
    })
  },
} as const satisfies DatasetFormat

type ReadSection = (cursor: JsonCursor, sink: DatasetSink, place: (offset: number) => Place) => void

const readSection: Readonly<Record<(typeof SECTIONS)[number], ReadSection>> = {
  queries: (cursor, sink, place) => cursor.object((id, at) => sink.addQuery(id, cursor.value(), place(at))),
  corpus: (cursor, sink, place) => cursor.object((id, at) => sink.addDocument(id, cursor.value(), place(at))),
  relevant_docs: (cursor, sink, place) => {
    const seen = new Set<string>()
    cursor.object((query, offset) => {
      const at = place(offset)
      if (seen.has(query)) {
        sink.leaveOut(`relevant_docs names query ${quote(query)} again, expected it once`, at, query)
        cursor.skip()
        return
      }
      seen.add(query)
      if (cursor.peek() === '[') cursor.array(() => sink.addJudgement(query, cursor.value(), 1, at))
      else if (cursor.peek() === '{') cursor.object(id => sink.addJudgement(query, id, cursor.value(), at))
      else {
        const found = show(cursor.value())
        const problem = `the relevant_docs of query ${quote(query)} are ${found}, expected a list of document ids`
        sink.leaveOut(problem, at, query, { query })
      }
    })
  },
}

const isSection = (key: string): key is (typeof SECTIONS)[number] => (SECTIONS as readonly string[]).includes(key)

import { createRecordReader } from '../records.js'
import { type Place, readTextLines } from '../text-file.js'
import type { DatasetFormat } from './format.js'

/** A line of a question or of its answer. */
const ENTRY = /^([QA]):\s*(.*)$/

/** Questions and answers as people type them: one or more `Q:` lines, then the `A:` line that answers them all. */
export const faq = {
  name: 'faq',
  description: 'text of "Q: question" lines, each group followed by its "A: answer"',
  hasSplits: false,
  hasFields: false,
  detect: ({ head }) => /^\s*Q:/.test(head),
  async read({ path }, sink) {
    const take = createRecordReader(sink)
    let questions: { readonly query: string; readonly place: Place }[] = []
    for await (const { line, text, problem } of readTextLines(path)) {
      const place = { file: path, line }
      const [, letter, content] = ENTRY.exec(text.trim()) ?? []
      if (problem) sink.leaveOut(problem, place)
      else if (letter === 'Q') questions.push({ query: content, place })
      else if (letter === 'A' && questions.length > 0) {
        for (const { query, place } of questions) take({ query, document: content }, place, { exact: true })
        questions = []
      } else if (text.trim() !== '') sink.leaveOut('is neither a question, "Q: ...", nor the answer to one', place)
    }
    for (const { place } of questions) sink.leaveOut('has no answer, expected an "A: ..." line below it', place)
  },
} as const satisfies DatasetFormat

import { isObject } from '../../json.js'
import { show } from '../check.js'
import { createLineFinder, leadingKeys, readJsonDocument } from '../json-cursor.js'
import { createRecordReader } from '../records.js'
import { invalidFile } from '../text-file.js'
import type { DatasetFormat } from './format.js'

/**
 * SQuAD 1.1 and 2.0: contexts are the documents, each relevant to its questions. A question that its context does not
 * answer (`is_impossible`) is left out with a note.
 * @see https://rajpurkar.github.io/SQuAD-explorer/
 */
export const squad = {
  name: 'squad',
  description: 'SQuAD JSON: {data: [{paragraphs: [{context, qas: [{id, question}]}]}]}',
  detect: ({ head }) => leadingKeys(head).includes('data') && head.includes('"paragraphs"'),
  async read({ path }, sink) {
    const take = createRecordReader(sink)
    const taken = new Set<unknown>()
    let [impossible, articles] = [0, 0]
    await readJsonDocument(path, cursor => {
      const lineAt = createLineFinder(cursor.text)
      if (cursor.peek() !== '{') throw invalidFile({ file: path }, `is ${show(cursor.value())}, expected an object`)
      cursor.object(key => {
        if (key !== 'data') return cursor.skip()
        if (cursor.peek() !== '[') {
          const place = { file: path, line: lineAt(cursor.offset) }
          throw invalidFile(place, `"data" is ${show(cursor.value())}, expected a list of articles`)
        }
        // An article is a few hundred kilobytes at most, so that its lines, but not the whole file, are looked at twice.
        cursor.array(() => {
          const place = { file: path, line: lineAt(cursor.offset) }
          const paragraphs = asObject(cursor.value()).paragraphs
          const article = `data[${articles++}]`
          if (!Array.isArray(paragraphs)) {
            sink.leaveOut(`${article}.paragraphs is ${show(paragraphs)}, expected a list`, place)
            return
          }
          paragraphs.forEach((paragraph, p) => {
            const { context, qas } = asObject(paragraph)
            const name = `${article}.paragraphs[${p}]`
            if (typeof context !== 'string' || !Array.isArray(qas)) {
              const wrong = typeof context === 'string' ? ['qas', qas, 'a list'] : ['context', context, 'a string']
              sink.leaveOut(`${name}.${wrong[0]} is ${show(wrong[1])}, expected ${wrong[2]}`, place)
              return
            }
            if (qas.length === 0) take({ document: context }, place, { document: `${name}.context`, exact: true })
            qas.forEach((qa, q) => {
              const { id, question, is_impossible } = asObject(qa)
              const style = { query: `${name}.qas[${q}].question`, document: `${name}.context`, exact: true }
              if (is_impossible === true) {
                impossible++
                // Its context belongs to the corpus all the same.
                take({ document: context }, place, style)
              } else if (typeof question !== 'string') {
                sink.leaveOut(`${style.query} is ${show(question)}, expected a string`, place)
              } else if (id !== undefined && taken.has(id)) {
                sink.leaveOut(`${name}.qas[${q}].id ${show(id)} is given again, expected it once`, place)
              } else {
                taken.add(id)
                take({ query_id: id, query: question, document: context }, place, style)
              }
            })
          })
        })
      })
    })
    if (articles === 0) throw invalidFile({ file: path }, 'has no articles, expected "data": a list of them')
    if (impossible > 0) sink.note(`${impossible} questions that their context does not answer (is_impossible) left out`)
  },
} as const satisfies DatasetFormat

const asObject = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {})

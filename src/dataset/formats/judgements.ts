import { collectJudgements, medianGrades } from '../judgements.js'
import { sampleOf } from '../sample.js'
import { readTextLines } from '../text-file.js'
import type { DatasetFormat } from './format.js'

const isField = (name: string): boolean => name === 'judgements'

/**
 * Judgements as `adapter-train label` writes them: a header, then one line per judgement. Documents come from the data that the header
 * names. A pair that several judges graded has the median of their last grades.
 */
export const judgements = {
  name: 'judgements',
  description: 'JSON Lines of adapter-train label: a header, then {query_id, document_id, grade, judge, time}',
  detect: probe => !probe.entries && sampleOf(probe, isField).keys.includes('judgements'),
  async read({ path }, sink, { corpus, documentsElsewhere }) {
    const found = collectJudgements()
    for await (const { line, text, problem } of readTextLines(path)) {
      const wrong = problem ?? (text.trim() === '' ? undefined : found.take(text))
      if (wrong) sink.leaveOut(wrong, { file: path, line })
    }
    if (found.torn() > 0) sink.note(`lines cut off when a machine stopped, left out: ${found.torn()}`)
    const place = { file: path }
    const documents = corpus ?? (documentsElsewhere ? [] : found.documents)
    for (const [id, text] of documents) sink.addDocument(id, text, place)
    let gone = 0
    for (const [id, text] of corpus ? found.documents : []) {
      if (corpus?.get(id) !== text) gone++
      if (!corpus?.has(id)) sink.addDocument(id, text, place)
    }
    if (gone > 0) sink.note(`judged documents that are missing or have another text in the data of today: ${gone}`)
    const order = new Map([...(corpus ?? found.documents).keys()].map((id, i) => [id, i]))
    const placeOf = (id: string): number => order.get(id) ?? order.size
    const graded = [...medianGrades(found)].sort(([a], [b]) => found.queries.get(a)!.at - found.queries.get(b)!.at)
    let unanswered = 0
    for (const [query, judged] of graded) {
      if (![...judged.values()].some(grade => grade > 0)) {
        unanswered++
        continue
      }
      sink.addQuery(query, found.queries.get(query)!.text, place)
      for (const [document, grade] of [...judged].sort(([a], [b]) => placeOf(a) - placeOf(b))) {
        sink.addJudgement(query, document, grade, place)
      }
    }
    if (unanswered > 0) sink.note(`judged queries without a relevant document, left out: ${unanswered}`)
  },
  documentsOf({ head }) {
    const judged = collectJudgements()
    judged.take(head.split('\n', 1)[0])
    return judged.header()?.documents
  },
} as const satisfies DatasetFormat

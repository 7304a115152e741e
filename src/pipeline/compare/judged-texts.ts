import { type QADataset, selfMatches } from '../../dataset/dataset.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { AdapterTrainError } from '../../errors.js'
import type { Rows } from '../../math/row-source.js'

/** Queries, documents and judgements by row number, without vectors. */
export interface JudgedTexts
  extends Pick<EmbeddedDataset<Rows>, 'queryIds' | 'docIds' | 'positives' | 'selfMatches' | 'queryTexts' | 'docTexts'> {
  readonly name: string
}

/** Numbers the rows of a dataset; judgements of documents that the corpus does not have are left out. */
export function judgedTexts(data: QADataset): JudgedTexts {
  const { name, queries, corpus, qrels } = data
  const [queryIds, docIds] = [queries, corpus].map(texts => [...texts.keys()])
  const rowOf = new Map(docIds.map((id, row) => [id, row]))
  const positives = queryIds.map(queryId => {
    const judged = [...(qrels.get(queryId) ?? [])].filter(([id, grade]) => grade > 0 && rowOf.has(id))
    return new Map(judged.map(([id, grade]) => [rowOf.get(id)!, grade]))
  })
  const [queryTexts, docTexts] = [[...queries.values()], [...corpus.values()]]
  return { name, queryIds, docIds, positives, selfMatches: selfMatches(data), queryTexts, docTexts }
}

/** Refuses vectors whose queries, documents or judgements differ from `expected`, row by row. */
export function checkSameJudgements(expected: JudgedTexts, found: EmbeddedDataset<Rows> & { readonly name: string }) {
  const problem =
    countProblem('queries', expected.queryIds.length, found.queries.rows) ??
    countProblem('documents', expected.docIds.length, found.docs.rows) ??
    pairProblem(expected.positives, found.positives) ??
    textProblem('query', expected.queryTexts, found.queryTexts) ??
    textProblem('document', expected.docTexts, found.docTexts)
  if (problem === undefined) return
  throw new AdapterTrainError(
    'DATASET_INVALID',
    `${found.name} is not the data of ${expected.name}: ${problem}; candidates are compared on the same queries and documents, ` +
      'in the same order: embed the same data for each',
    { details: { expected: expected.name, found: found.name } },
  )
}

function countProblem(what: string, expected: number, found: number): string | undefined {
  return expected === found ? undefined : `expected ${expected} ${what}, found ${found}`
}

function pairProblem(expected: JudgedTexts['positives'], found: JudgedTexts['positives']): string | undefined {
  const row = expected.findIndex(
    (grades, i) => grades.size !== found[i].size || [...grades].some(([doc, grade]) => found[i].get(doc) !== grade),
  )
  if (row < 0) return undefined
  return `query row ${row} has the relevant documents ${shown(found[row])}, expected ${shown(expected[row])} (rows from 0)`
}

/** `{3 => 1, 8 => 2}` -> "3, 8 (grade 2)" */
function shown(grades: ReadonlyMap<number, number>): string {
  const list = [...grades].sort(([a], [b]) => a - b).map(([doc, g]) => (g === 1 ? String(doc) : `${doc} (grade ${g})`))
  return list.length === 0 ? 'none' : list.slice(0, 5).join(', ') + (list.length > 5 ? ', …' : '')
}

function textProblem(what: string, expected: JudgedTexts['queryTexts'], found: JudgedTexts['queryTexts']) {
  const row = expected?.findIndex((text, i) => {
    const other = found?.[i]
    return text !== undefined && other !== undefined && text.trim() !== other.trim()
  })
  return row === undefined || row < 0 ? undefined : `the text of ${what} row ${row} is another one`
}

import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { readNamedFile } from '../files.js'
import { getOrInsert } from '../maps.js'
import type { Rows } from '../math/row-source.js'
import type { Evaluation } from './evaluator.js'
import { type Ranking, scoreRankings } from './metrics.js'
import type { TopK } from './top-k.js'

/** Documents that a system found for each query, by query id, best first. */
export type Run = ReadonlyMap<string, readonly string[]>

/** A line, with its query, document and score. */
const LINE = /^\s*(\S+)\s+\S+\s+(\S+)\s+\S+\s+(\S+)\s+\S+\s*$/

/** Documents per query in a run that is written. */
export const RUN_DEPTH = 1000

/** Formats rankings as a TREC run, `query Q0 document rank score tag`, with all digits of a float32 to keep the order. */
export function formatRun(
  queryIds: readonly string[],
  docIds: readonly string[],
  { k, rows, scores }: TopK,
  tag: string,
): string {
  for (const id of [...queryIds, ...docIds]) {
    if (/\s/.test(id) || id === '') {
      throw usageError(`TREC run: the id ${JSON.stringify(id)} is empty or holds white space, which the format cannot hold`)
    }
  }
  const lines: string[] = []
  queryIds.forEach((query, q) => {
    for (let rank = 0; rank < k; rank++) {
      const at = q * k + rank
      // Places that no document may fill.
      if (scores[at] === Number.NEGATIVE_INFINITY) break
      lines.push(`${query} Q0 ${docIds[rows[at]]} ${rank + 1} ${scores[at].toPrecision(9)} ${tag}\n`)
    }
  })
  return lines.join('')
}

/** Documents that a system found for each query, by query id, with their scores as float32. */
export type ScoredRun = ReadonlyMap<string, { readonly documents: readonly string[]; readonly scores: readonly number[] }>

/**
 * Reads a TREC run. The order is trec_eval's: by score as float32, then by document id, both descending; the rank column is not read.
 * @throws FILE_NOT_FOUND, FILE_READ; DATASET_FORMAT with the line if one is not of the format, or a document is there twice
 */
export function readRun(path: string): Run {
  return new Map(
    Array.from(readScoredRun(path), ([query, { documents, scores }]) => {
      const better = (a: number, b: number) => scores[b] - scores[a] || (documents[a] < documents[b] ? 1 : -1)
      const order = Array.from(documents.keys()).sort(better)
      return [query, order.map(i => documents[i])]
    }),
  )
}

/** Reads a TREC run in the order of its lines; throws as `readRun`. */
export function readScoredRun(path: string): ScoredRun {
  const found = new Map<string, { documents: string[]; scores: number[]; lines: number[] }>()
  const wrong = (line: number, problem: string) =>
    new AdapterTrainError('DATASET_FORMAT', `${path}:${line}: ${problem}`, { details: { file: path, line } })
  let line = 0
  // One line after the other, and lists of numbers: less memory, whose collection takes most of the time.
  for (const [text] of readNamedFile(path, 'TREC run').matchAll(/[^\r\n]*(\r\n|\n|\r|$)/g)) {
    line++
    if (text.trim() === '') continue
    const [, query, document, given] = LINE.exec(text) ?? []
    const score = Number(given)
    if (Number.isNaN(score)) throw wrong(line, 'not a line of a TREC run; expected "query Q0 document rank score tag"')
    const { documents, scores, lines } = getOrInsert(found, query, () => ({ documents: [], scores: [], lines: [] }))
    documents.push(document)
    scores.push(Math.fround(score))
    lines.push(line)
  }
  if (found.size === 0) throw new AdapterTrainError('DATASET_FORMAT', `${path}: the run is empty`)
  for (const [query, { documents, lines }] of found) {
    const seen = new Set<string>()
    documents.forEach((document, i) => {
      if (seen.size === seen.add(document).size)
        throw wrong(lines[i], `document "${document}" of query "${query}" is there twice`)
    })
  }
  return found
}

/** What a run is judged by: queries in the order of their figures, and the grades of their judged documents. */
export interface Judgements {
  readonly queryIds: readonly string[]
  /** For each query: document id -> grade, 0 if it was judged not relevant. */
  readonly grades: readonly ReadonlyMap<string, number>[]
}

/** The judgements of some queries of a dataset, by their rows. */
export function judgementsOf(
  data: Pick<EmbeddedDataset<Rows>, 'queryIds' | 'docIds' | 'positives' | 'judgedNegatives'>,
  rows: Uint32Array,
): Judgements {
  const gradesOf = (query: number) =>
    new Map([
      ...(data.judgedNegatives?.[query] ?? []).map((document): [string, number] => [data.docIds[document], 0]),
      ...Array.from(data.positives[query], ([document, grade]): [string, number] => [data.docIds[document], grade]),
    ])
  return { queryIds: Array.from(rows, i => data.queryIds[i]), grades: Array.from(rows, gradesOf) }
}

/** Scores a run as it stands; a query it has no documents for scores 0. */
export function evaluateRun(run: Run, { queryIds, grades }: Judgements, specs: readonly string[]): Evaluation {
  const documents = queryIds.map(query => run.get(query) ?? [])
  const rankingOf = (i: number): Ranking => ({
    grades: documents[i].map(document => grades[i].get(document) ?? 0),
    relevant: [...grades[i].values()].filter(grade => grade > 0).sort((a, b) => b - a),
    judged: documents[i].map(document => grades[i].has(document)),
  })
  const depth = documents.reduce((deepest, { length }) => Math.max(deepest, length), 1)
  return { ...scoreRankings(queryIds.length, rankingOf, specs), depth }
}

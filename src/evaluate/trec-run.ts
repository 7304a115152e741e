import { AdapterTrainError, usageError } from '../errors.js'
import { readNamedFile } from '../files.js'
import type { Evaluation } from './evaluator.js'
import { type Ranking, scoreRankings } from './metrics.js'
import type { TopK } from './top-k.js'

/** Documents that a system found for each query, by query id, best first. */
export type Run = ReadonlyMap<string, readonly string[]>

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
      throw usageError(
        `TREC run: the id ${JSON.stringify(id)} is empty or holds white space, which the format cannot hold`,
      )
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

/**
 * Reads a TREC run. The order is trec_eval's: by score as float32, then by document id, both descending; the rank column is not read.
 * @throws FILE_NOT_FOUND, FILE_READ; DATASET_FORMAT with the line if one is not of the format, or a document is there twice
 */
export function readRun(path: string): Run {
  const found = new Map<string, Map<string, number>>()
  const wrong = (line: number, problem: string) =>
    new AdapterTrainError('DATASET_FORMAT', `${path}:${line}: ${problem}`, { details: { file: path, line } })
  readNamedFile(path, 'TREC run')
    .split(/\r\n|\n|\r/)
    .forEach((text, i) => {
      if (text.trim() === '') return
      const fields = text.trim().split(/\s+/)
      const score = Number(fields[4])
      if (fields.length !== 6 || Number.isNaN(score))
        throw wrong(i + 1, 'not a line of a TREC run; expected "query Q0 document rank score tag"')
      const [query, , document] = fields
      const documents = found.get(query) ?? new Map<string, number>()
      if (documents.has(document)) throw wrong(i + 1, `document "${document}" of query "${query}" is there twice`)
      found.set(query, documents.set(document, Math.fround(score)))
    })
  if (found.size === 0) throw new AdapterTrainError('DATASET_FORMAT', `${path}: the run is empty`)
  const better = ([a, x]: [string, number], [b, y]: [string, number]) => y - x || (a < b ? 1 : -1)
  return new Map(
    Array.from(found, ([query, documents]) => [query, [...documents].sort(better).map(([document]) => document)]),
  )
}

/** What a run is judged by: queries in the order of their figures, and the grades of their relevant documents. */
export interface Judgements {
  readonly queryIds: readonly string[]
  /** For each query: document id -> grade, above 0. */
  readonly grades: readonly ReadonlyMap<string, number>[]
}

/** Scores a run as it stands; a query it has no documents for scores 0. */
export function evaluateRun(run: Run, { queryIds, grades }: Judgements, specs: readonly string[]): Evaluation {
  const documents = queryIds.map(query => run.get(query) ?? [])
  const rankingOf = (i: number): Ranking => ({
    grades: documents[i].map(document => grades[i].get(document) ?? 0),
    relevant: [...grades[i].values()].sort((a, b) => b - a),
  })
  const depth = documents.reduce((deepest, { length }) => Math.max(deepest, length), 1)
  return { ...scoreRankings(queryIds.length, rankingOf, specs), depth }
}

import { quote, toGrade } from '../dataset/check.js'
import { createLineFinder, readJsonDocument } from '../dataset/json-cursor.js'
import { invalidFile, type Place } from '../dataset/text-file.js'
import type { VectorSide } from './read-side.js'

/** Vectors at one side of the pairs. */
type Side = Pick<VectorSide, 'file' | 'matrix'>

/**
 * Reads relevance judgements by row: `[[query row, document row], ...]`, with the grade as a third number if it is not 1. A pair
 * that comes twice counts once, with its highest grade; grade 0 is judged not relevant.
 */
export async function readPairs(path: string, queries: Side, docs: Side) {
  const { rows } = queries.matrix
  const positives = Array.from({ length: rows }, () => new Map<number, number>())
  const zeros = Array.from({ length: rows }, () => new Set<number>())
  let pairs = 0
  let relevant = 0
  await readJsonDocument(path, cursor => {
    const lineOf = createLineFinder(cursor.text)
    if (cursor.peek() !== '[')
      throw invalidFile({ file: path, line: lineOf(cursor.offset) }, 'expected a list [[query row, document row], ...]')
    cursor.array(index => {
      const start = cursor.offset
      const pair = cursor.value()
      const place = { file: path, line: lineOf(start) }
      const [query, document, grade] = checkPair(pair, index, place, queries, docs)
      pairs++
      if (grade === 0) {
        zeros[query].add(document)
        return
      }
      relevant++
      positives[query].set(document, Math.max(grade, positives[query].get(document) ?? 0))
    })
  })
  if (pairs === 0) throw invalidFile({ file: path }, 'holds no pairs, expected [[query row, document row], ...]')
  if (relevant === 0) throw invalidFile({ file: path }, `holds ${pairs} pairs, but none with a grade above 0`)
  const judgedNegatives = zeros.map((documents, i) => [...documents].filter(document => !positives[i].has(document)))
  return { positives, ...(judgedNegatives.some(rows => rows.length > 0) && { judgedNegatives }) }
}

function checkPair(pair: unknown, index: number, place: Place, queries: Side, docs: Side) {
  const wrong = (problem: string) => invalidFile(place, `pair ${index} (from 0), ${shown(pair)}: ${problem}`)
  if (!Array.isArray(pair) || pair.length < 2 || pair.length > 3)
    throw wrong('expected [query row, document row] or [query row, document row, grade]')
  const check = (name: string, row: unknown, { file, matrix: { rows } }: Side): void => {
    if (!Number.isSafeInteger(row)) throw wrong(`the ${name} row is ${shown(row)}, expected a whole number`)
    if ((row as number) < 0 || (row as number) >= rows) throw wrong(`${file} has no row ${row}, expected 0 to ${rows - 1}`)
  }
  check('query', pair[0], queries)
  check('document', pair[1], docs)
  const grade = pair.length === 2 ? 1 : toGrade(pair[2])
  if (grade === undefined) throw wrong(`the grade is ${shown(pair[2])}, expected a number`)
  return [pair[0], pair[1], grade]
}

const shown = (value: unknown): string => (typeof value === 'string' ? quote(value) : JSON.stringify(value).slice(0, 60))

import { createReadStream } from 'node:fs'
import { quote, show, toId } from '../dataset/check.js'
import { JsonCursor, JsonSyntaxError } from '../dataset/json-cursor.js'
import { assertFile, fileError, invalidFile, lineEndOf, location, type Place, readTextLines } from '../dataset/text-file.js'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix } from '../math/matrix.js'
import { allocateMatrix } from './binary-file.js'

/**
 * Reads vectors from JSON Lines: per line a JSON array of numbers, or `{"vector": [...], "id"?: ..., "text"?: ...}`.
 * @returns row i of line i + 1, with its number as id if it has none; no texts if no line has one
 */
export async function readJsonlVectors(path: string) {
  const capacity = await countLines(path)
  const lineOf = new Map<string, number>()
  const texts: (string | undefined)[] = []
  let out: Matrix | undefined
  let emptyLine: number | undefined
  for await (const { line, text, problem } of readTextLines(path)) {
    const place = { file: path, line }
    if (problem) throw invalidFile(place, problem)
    if (text.trim() === '') {
      emptyLine ??= line
      continue
    }
    if (emptyLine !== undefined)
      throw invalidFile({ file: path, line: emptyLine }, 'is empty; expected a vector, because line n is row n - 1')
    const row = texts.length
    const entry = parseLine(text, place)
    const { vector } = entry
    out ??= allocateMatrix(path, capacity, vector.length)
    fillRow(out, row, vector, place)
    const id = toId(entry.id ?? row)
    if (id === undefined) throw invalidFile(place, `the id is ${show(entry.id)}, expected a string or a whole number`)
    const other = lineOf.get(id)
    if (other !== undefined) throw invalidFile(place, `has the id ${quote(id)}, which line ${other} has too`)
    lineOf.set(id, line)
    const given = entry.text ?? undefined
    if (given !== undefined && typeof given !== 'string')
      throw invalidFile(place, `the text is ${show(given)}, expected a string`)
    texts.push(given)
  }
  const cols = out?.cols ?? 0
  return {
    matrix: matrix(texts.length, cols, out?.data.subarray(0, texts.length * cols)),
    ids: [...lineOf.keys()],
    ...(texts.some(text => text !== undefined) ? { texts } : {}),
  }
}

async function countLines(path: string): Promise<number> {
  let lines = 1
  let end: number | undefined
  assertFile(path)
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
      end ??= lineEndOf(chunk)
      for (let at = chunk.indexOf(end); at >= 0; at = chunk.indexOf(end, at + 1)) lines++
    }
  } catch (error) {
    throw fileError(path, error)
  }
  return lines
}

function parseLine(text: string, place: Place): { vector: unknown[]; id?: unknown; text?: unknown } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalidFile(place, `is not JSON: ${syntaxProblem(text)}`, error)
  }
  const entry = Array.isArray(value) ? { vector: value } : value
  if (typeof entry !== 'object' || entry === null)
    throw invalidFile(place, `is ${show(value)}, expected an array of numbers or an object with the key "vector"`)
  const { vector } = entry as { vector?: unknown }
  if (Array.isArray(vector)) return { ...entry, vector }
  const keys = Object.keys(entry).slice(0, 10).map(quote).join(', ') || 'none'
  throw invalidFile(place, `"vector" is ${show(vector)}, expected an array of numbers; the line's keys: ${keys}`)
}

/** Finds the column of a syntax error, which `JSON.parse` does not always give. */
function syntaxProblem(text: string): string {
  const cursor = new JsonCursor(text)
  try {
    cursor.skip()
    cursor.end()
  } catch (error) {
    if (error instanceof JsonSyntaxError) return `column ${error.offset + 1}: ${error.message}`
    throw error
  }
  return 'it cannot be parsed'
}

function fillRow({ cols, data }: Matrix, row: number, vector: readonly unknown[], place: Place): void {
  if (vector.length === 0) throw invalidVector(place, 'the vector is empty')
  if (vector.length !== cols) throw invalidVector(place, `the vector has ${vector.length} values, expected ${cols} as on line 1`)
  for (let j = 0; j < cols; j++) {
    const value = vector[j]
    if (typeof value !== 'number')
      throw invalidVector(place, `value ${j} (from 0) of the vector is ${show(value)}, expected a number`)
    data[row * cols + j] = value
  }
}

const invalidVector = (place: Place, problem: string): AdapterTrainError =>
  new AdapterTrainError('VECTOR_INVALID', `${location(place)}: ${problem}`, { details: place })

import { JsonCursor, JsonSyntaxError, lineAndColumn } from './json-cursor.js'
import { invalidFile } from './place.js'
import { readTextFile } from './text-file.js'

/**
 * Walks a JSON file from its first to its last character.
 *
 * @throws DATASET_INVALID when it is not JSON, with line and column
 */
export async function readJsonDocument(path: string, walk: (cursor: JsonCursor) => void): Promise<void> {
  const text = await readTextFile(path)
  const cursor = new JsonCursor(text)
  try {
    walk(cursor)
    cursor.end()
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    const { line, column } = lineAndColumn(text, error.offset)
    throw invalidFile({ file: path, line }, `is not JSON: column ${column}: ${error.message}`, error)
  }
}

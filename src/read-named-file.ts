import { readFileSync } from 'node:fs'
import { AdapterTrainError, messageOf } from './errors.js'

/**
 * Reads a text file that the user has named, without its byte order mark.
 * @param what the file is, for the error, such as "--config" or "prompt template"
 * @throws FILE_NOT_FOUND, FILE_READ
 */
export function readNamedFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const problem = missing ? 'there is no such file' : messageOf(cause).split(', ')[0]
    throw new AdapterTrainError(missing ? 'FILE_NOT_FOUND' : 'FILE_READ', `${what} ${path}: ${problem}`, { cause })
  }
}

import { readFileSync } from 'node:fs'
import { AdapterTrainError, messageOf } from '../errors.js'
import { nearest } from '../nearest.js'

/**
 * Reads the file of `--config`: a JSON object whose keys are option names (`batch-size` or `batchSize`).
 * @param known names of all options
 */
export function configReader(known: () => readonly string[]): (path: string) => Record<string, unknown> {
  return path => {
    let content: unknown
    try {
      content = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''))
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      throw new AdapterTrainError(
        missing ? 'FILE_NOT_FOUND' : 'USAGE',
        `--config ${path}: ${missing ? 'there is no such file' : messageOf(error)}`,
        { cause: error },
      )
    }
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      throw new AdapterTrainError('USAGE', `--config ${path}: expected a JSON object whose keys are option names`)
    }
    const names = known()
    for (const key of Object.keys(content)) {
      if (key === 'config')
        throw new AdapterTrainError('USAGE', `--config ${path}: a configuration file cannot name another one`)
      if (names.includes(key)) continue
      const near = nearest(key, names)
      throw new AdapterTrainError(
        'USAGE',
        `--config ${path}: unknown option "${key}"${near ? ` (did you mean "${near}"?)` : ''}`,
      )
    }
    return content as Record<string, unknown>
  }
}

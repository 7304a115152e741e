import { appendFileSync, closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { AdapterTrainError, messageOf } from '../errors.js'
import { checkWritable } from '../write-file-atomic.js'

/** What happened in training, one JSON object a line; neither texts nor secrets. */
export interface TrainingLog {
  /** Appends one line: the event and the time, then the facts. */
  write(event: 'start' | 'engine' | 'resume' | 'tried' | 'fold' | 'epoch' | 'end', facts: object): void
}

/**
 * Opens a log; what it holds is kept. A line is appended at once and whole, so that several runs may share a file, and one that was
 * cut off by a crash spoils no other.
 *
 * @throws FILE_WRITE when it cannot be written
 */
export function openTrainingLog(path: string): TrainingLog {
  checkWritable(path)
  const failed = (cause: unknown) =>
    new AdapterTrainError('FILE_WRITE', `cannot write the log ${path}: ${messageOf(cause).split(', ')[0]}`, {
      cause,
      details: { file: path },
    })
  let start = ''
  try {
    mkdirSync(dirname(resolve(path)), { recursive: true })
    start = existsSync(path) && !endsLine(path) ? '\n' : ''
  } catch (cause) {
    throw failed(cause)
  }
  return {
    write(event, facts) {
      try {
        appendFileSync(path, `${start}${JSON.stringify({ event, time: new Date().toISOString(), ...facts })}\n`)
        start = ''
      } catch (cause) {
        throw failed(cause)
      }
    },
  }
}

function endsLine(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last[0] === 10)
  } finally {
    closeSync(file)
  }
}

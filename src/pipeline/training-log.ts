import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { AdapterTrainError, messageOf } from '../errors.js'
import { checkWritable, makeFolder } from '../files.js'
import { printable } from '../words.js'

/** Log of training, one JSON object per line, without texts and secrets. */
export interface TrainingLog {
  write(event: 'start' | 'engine' | 'resume' | 'tried' | 'fold' | 'epoch' | 'end', facts: object): void
}

/** Opens a log to append to: each line at once and whole, so runs may share it and a crash spoils no other line. */
export function openTrainingLog(path: string): TrainingLog {
  checkWritable(path)
  const failed = (cause: unknown) =>
    new AdapterTrainError('FILE_WRITE', `cannot write the log ${path}: ${messageOf(cause).split(', ')[0]}`, {
      cause,
      details: { file: path },
    })
  let start = ''
  try {
    makeFolder(dirname(resolve(path)))
    start = existsSync(path) && !endsLine(path) ? '\n' : ''
  } catch (cause) {
    throw failed(cause)
  }
  return {
    write(event, facts) {
      try {
        const line = JSON.stringify({ event, time: new Date().toISOString(), ...facts })
        appendFileSync(path, `${start}${printable(line)}\n`)
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

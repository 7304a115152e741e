import { appendFileSync, closeSync, fstatSync, fsyncSync, openSync, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { collectJudgements, type Judgement, type JudgementsHeader } from '../dataset/judgements.js'
import { AdapterTrainError } from '../errors.js'
import { cannotWrite, makeFolder } from '../files.js'

/** A file of judgements that several programs append to. */
export type JudgementFile = ReturnType<typeof openJudgements>

const CHUNK = 1 << 20
const LINE_FEED = 10

export function openJudgements(path: string) {
  const file = attempt(path, () => {
    makeFolder(dirname(path))
    return openSync(path, 'a+')
  })
  const judgements = collectJudgements()
  const decoder = new StringDecoder('utf8')
  let offset = 0
  let line = 0
  let rest = ''
  let endsOpen = false

  const take = (text: string): void => {
    line++
    if (text.trim() === '') return
    const known = judgements.header() !== undefined
    const problem = judgements.take(text)
    const isOther = !known && judgements.header() === undefined
    if (problem === undefined && !isOther) return
    const found = isOther ? 'expected a file of judgements, found another' : problem
    throw new AdapterTrainError('DATASET_INVALID', `${path}:${line}: ${found}. Name another file`, { details: { path } })
  }

  const refresh = (): void => {
    const { size } = fstatSync(file)
    const buffer = Buffer.allocUnsafe(CHUNK)
    while (offset < size) {
      const read = readSync(file, buffer, 0, Math.min(CHUNK, size - offset), offset)
      if (read === 0) break
      offset += read
      endsOpen = buffer[read - 1] !== LINE_FEED
      const lines = (rest + decoder.write(buffer.subarray(0, read))).split('\n')
      rest = lines.pop()!
      for (const text of lines) take(text)
    }
  }

  const write = (value: object): void => {
    refresh()
    attempt(path, () => {
      // A line that was cut off when a machine stopped stays alone.
      appendFileSync(file, `${endsOpen ? '\n' : ''}${JSON.stringify(value)}\n`)
      fsyncSync(file)
    })
    refresh()
  }

  try {
    refresh()
    if (rest !== '' && judgements.header() === undefined) take(rest)
  } catch (error) {
    closeSync(file)
    throw error
  }
  return {
    /** All judgements of the file, those of other programs included, at the last `refresh`. */
    judgements,
    /** Reads what was appended since. @throws DATASET_INVALID at a line that is wrong */
    refresh,
    /** Appends one line in one write, and returns when it is on the disk. @throws FILE_WRITE */
    append: (line: Judgement): void => write(line),
    /** Writes the header of a run, unless the last run had the same. @throws FILE_WRITE */
    begin(header: JudgementsHeader): void {
      refresh()
      if (JSON.stringify(judgements.header()) !== JSON.stringify(header)) write(header)
    },
    close: () => closeSync(file),
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw cannotWrite(path, cause)
  }
}

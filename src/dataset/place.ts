import { AdapterTrainError } from '../errors.js'

/** Where something stands in the input. */
export interface Place {
  readonly file: string
  /** 1-based. */
  readonly line?: number
}

/** `file:line`, or the file alone. */
export function location({ file, line }: Place): string {
  return line === undefined ? file : `${file}:${line}`
}

/** The error for a file that is broken as a whole, so that no single entry can be left out. */
export function invalidFile(place: Place, problem: string, cause?: unknown): AdapterTrainError {
  return new AdapterTrainError('DATASET_INVALID', `${location(place)}: ${problem}`, { cause, details: { ...place } })
}

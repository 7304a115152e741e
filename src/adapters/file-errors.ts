import { AdapterTrainError } from '../errors.js'

/** The error for what is no adapter of a form that is known. */
export const wrong = (where: string, what: string): AdapterTrainError =>
  new AdapterTrainError('ADAPTER_FORMAT', `${where}: ${what}`)

/** The error for a file whose bytes are not those that were written. */
export const damaged = (where: string, what: string): AdapterTrainError =>
  new AdapterTrainError('ADAPTER_CORRUPT', `${where}: ${what}; the file is damaged`)

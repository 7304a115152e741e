import { readFileSync } from 'node:fs'
import { AdapterTrainError, messageOf, usageError } from '../../errors.js'

export const TOKEN_VARIABLE = 'ADAPTER_TRAIN_SERVE_TOKEN'

export function readToken(file: string | undefined): string | undefined {
  if (file === undefined) return process.env[TOKEN_VARIABLE]?.trim() || undefined
  let token: string
  try {
    token = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new AdapterTrainError('FILE_READ', `cannot read the token file ${file}: ${messageOf(error)}`, { cause: error })
  }
  if (token === '') throw usageError(`the token file ${file} is empty`)
  return token
}

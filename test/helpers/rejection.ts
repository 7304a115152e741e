import { expect } from 'vitest'
import { type AdapterTrainError, isAdapterTrainError } from '../../src/errors.js'

/** The error of this package that a promise rejects with; anything else fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<AdapterTrainError> {
  const error = await promise.then(
    () => expect.fail('expected a rejection'),
    (reason: unknown) => reason,
  )
  if (!isAdapterTrainError(error)) throw error
  return error
}

/** Expects a promise to be rejected with this code and a message that matches, and returns the error. */
export async function expectRejection(promise: Promise<unknown>, code: string, message: RegExp = /./) {
  const error = await rejection(promise)
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  return error
}

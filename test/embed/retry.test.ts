import { describe, expect, it } from 'vitest'
import {
  backoffDelay,
  DEFAULT_RETRIES,
  MAX_RETRY_AFTER_MS,
  RETRY_BASE_MS,
  RETRY_CAP_MS,
  type RetryInfo,
  withRetries,
} from '../../src/embed/retry.js'
import { requestError } from './fake-provider.js'

/** A task that fails with the given errors, one after another, then gives 'ok'. */
function failing(...errors: unknown[]) {
  const task = async () => {
    const error = errors[task.runs++]
    if (error !== undefined) throw error
    return 'ok'
  }
  task.runs = 0
  return task
}

function clock() {
  const waits: number[] = []
  return { waits, sleep: async (ms: number) => waits.push(ms), random: () => 0.5 }
}

describe('backoffDelay', () => {
  it('doubles with every attempt up to the cap, times a random number', () => {
    expect([1, 2, 3].map(attempt => backoffDelay(attempt, 1))).toEqual([1, 2, 4].map(n => n * RETRY_BASE_MS))
    expect(backoffDelay(3, 0.25)).toBe(RETRY_BASE_MS)
    expect(backoffDelay(3, 0)).toBe(0)
    expect(backoffDelay(2000, 1)).toBe(RETRY_CAP_MS)
  })

  it('never comes back before the service said', () => {
    expect(backoffDelay(1, 0, 7000)).toBe(7000)
    expect(backoffDelay(1, 1, 7000)).toBe(7000 + RETRY_BASE_MS)
  })
})

describe('withRetries', () => {
  it('tries again after an error that may pass and tells what it waits for', async () => {
    const time = clock()
    const infos: RetryInfo[] = []
    const task = failing(requestError(true), requestError(true, 5000))
    expect(await withRetries(task, { ...time, onRetry: info => infos.push(info) })).toBe('ok')
    expect(time.waits).toEqual([RETRY_BASE_MS / 2, 5000 + RETRY_BASE_MS])
    expect(infos).toEqual([
      { attempt: 1, attempts: DEFAULT_RETRIES + 1, delayMs: time.waits[0], reason: 'the service said no' },
      { attempt: 2, attempts: DEFAULT_RETRIES + 1, delayMs: time.waits[1], reason: 'the service said no' },
    ])
  })

  it.each([
    ['an error that is final', requestError(false)],
    ['an error that does not say', new Error('broken')],
    ['an error of another class that claims it', Object.assign(new Error('x'), { details: { retryable: true } })],
  ])('does not try again after %s', async (_, error) => {
    const time = clock()
    const task = failing(error)
    await expect(withRetries(task, time)).rejects.toBe(error)
    expect(task.runs).toBe(1)
    expect(time.waits).toEqual([])
  })

  it('gives up after the last attempt and says how many there were', async () => {
    const time = clock()
    const task = failing(...Array.from({ length: 9 }, () => requestError(true)))
    await expect(withRetries(task, { ...time, retries: 2 })).rejects.toMatchObject({
      code: 'PROVIDER_REQUEST',
      message: 'the service said no (gave up after 3 attempts)',
      details: { attempts: 3, retryable: true },
      cause: { message: 'the service said no' },
    })
    expect(task.runs).toBe(3)
    expect(time.waits).toHaveLength(2)
  })

  it('gives the error itself where there is only one attempt', async () => {
    const error = requestError(true)
    await expect(withRetries(failing(error), { ...clock(), retries: 0 })).rejects.toBe(error)
  })

  it('does not wait for hours when the service asks for it', async () => {
    const time = clock()
    const task = failing(requestError(true, MAX_RETRY_AFTER_MS + 1))
    await expect(withRetries(task, time)).rejects.toThrow(/asks to wait 11 minutes/)
    expect(time.waits).toEqual([])
  })

  it('ends a real wait at once when the signal is aborted', async () => {
    const controller = new AbortController()
    const started = performance.now()
    const task = failing(requestError(true, 60_000))
    const result = withRetries(task, {
      signal: controller.signal,
      onRetry: () => setTimeout(() => controller.abort(), 10),
    })
    await expect(result).rejects.toThrow()
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(task.runs).toBe(1)
  })
})

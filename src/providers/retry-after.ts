/**
 * How long a service asks to wait, from `retry-after-ms` (milliseconds) or `Retry-After` (seconds or an HTTP date).
 *
 * @param now milliseconds since the epoch
 * @returns milliseconds, 0 for a moment that has passed, `undefined` where no header says it
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(headers: Headers, now = Date.now()): number | undefined {
  const milliseconds = decimal(headers.get('retry-after-ms'))
  if (milliseconds !== undefined) return milliseconds
  const value = headers.get('retry-after')
  const seconds = decimal(value)
  if (seconds !== undefined) return Math.ceil(seconds * 1000)
  // Date.parse also takes plain and negative numbers for years, so only what starts like an HTTP date is given to it.
  const date = /^[a-z]+, /i.test(value ?? '') ? Date.parse(value!) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function decimal(value: string | null): number | undefined {
  return value !== null && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : undefined
}

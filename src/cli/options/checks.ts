import { AdapterTrainError } from '../../errors.js'

type Check<T> = (value: unknown) => T

/** Refuses a value in an expected-form sentence. */
function wrong(name: string, expected: string, value: unknown): AdapterTrainError {
  const found =
    typeof value === 'number' && Number.isNaN(value) ? 'something that is not a number' : JSON.stringify(value)
  return new AdapterTrainError('USAGE', `--${name} must be ${expected}, found ${found}`)
}

/** A whole number of at least `min`; absent stays absent. */
export function integer(name: string, min: number): Check<number | undefined> {
  return value => {
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value
    throw wrong(name, `a whole number of at least ${min}`, value)
  }
}

/** A finite number with `min` <= value <= `max`, or above `min` where `exclusive`; absent stays absent. */
export function number(
  name: string,
  { min, max = Number.POSITIVE_INFINITY, exclusive = false }: { min: number; max?: number; exclusive?: boolean },
): Check<number | undefined> {
  return value => {
    if (value === undefined) return undefined
    const fits =
      typeof value === 'number' && Number.isFinite(value) && (exclusive ? value > min : value >= min) && value <= max
    if (fits) return value as number
    const lower = exclusive ? `above ${min}` : `of at least ${min}`
    throw wrong(
      name,
      max === Number.POSITIVE_INFINITY ? `a number ${lower}` : `a number ${lower} and at most ${max}`,
      value,
    )
  }
}

/** A non-empty text; absent stays absent. */
export function text(name: string): Check<string | undefined> {
  return value => {
    if (value === undefined) return undefined
    if (typeof value === 'string' && value !== '') return value
    throw wrong(name, 'a non-empty text', value)
  }
}

/** One or more texts, given as words or separated by commas; absent stays absent. */
export function list(name: string): Check<readonly string[] | undefined> {
  return value => {
    if (value === undefined) return undefined
    const items = [value].flat().flatMap(item => String(item).split(','))
    if (items.length > 0 && items.every(item => item.trim() !== '')) return items.map(item => item.trim())
    throw wrong(name, 'one or more texts', value)
  }
}

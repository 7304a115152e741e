import type { InferredOptionTypes, Options, PositionalOptions } from 'yargs'
import { type AdapterTrainError, usageError } from '../../errors.js'
import { type NumberRange, rangeProblem } from '../../train/options.js'
import { nearest } from '../../words.js'

/** Row of a table of options: one of yargs', with what its value must be. */
export interface Option extends Options {
  readonly describe: string
  /** Stands for the value in help, such as FILE. */
  readonly placeholder?: string
  /** Shell completion, if the placeholder does not tell: FILE and DIR complete files. */
  readonly completes?: 'file'
  readonly mayBeEmpty?: true
  /** True for a value that is none of `choices` and right all the same. */
  readonly orElse?: (value: unknown) => boolean
  /** Names what is expected instead of a value; `undefined` if the value is right. */
  readonly expect?: (value: unknown) => string | undefined
}

export type OptionTable = Readonly<Record<string, Option>>
export type PositionalTable = Readonly<Record<string, PositionalOptions & { readonly describe: string }>>
/** `batch-size` -> `batchSize` */
type Camel<S> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S

type OptionalIfUndefined<T> = {
  readonly [K in keyof T as undefined extends T[K] ? never : Camel<K>]: T[K]
} & { readonly [K in keyof T as undefined extends T[K] ? Camel<K> : never]?: T[K] }

/** Arguments that a table of options yields, by names in camel case. */
export type ArgsOf<T extends OptionTable | PositionalTable> = OptionalIfUndefined<InferredOptionTypes<T>>
type Rest = Omit<Option, 'describe'>

const valued =
  (placeholder: string) =>
  <const R extends Rest = object>(describe: string, rest?: R) => ({
    type: 'string' as const,
    placeholder,
    describe,
    ...(rest as R),
  })

export const file = valued('FILE')
export const dir = valued('DIR')
export const name = valued('NAME')
export const url = valued('URL')
export const text = valued('TEXT')

/** A switch, off unless given. */
export const flag = (describe: string) => ({ type: 'boolean', default: false, describe }) as const

/** A switch with `--no-NAME`, undecided unless given or `{ default: true }`. */
export const toggle = <const R extends Rest = object>(describe: string, rest?: R) => ({
  type: 'boolean' as const,
  describe,
  ...(rest as R),
})

export const number = <const R extends Rest & NumberRange>(describe: string, rest: R) => ({
  type: 'number' as const,
  placeholder: 'N',
  describe,
  expect: (value: unknown) => rangeProblem(rest, value),
  ...rest,
})

export const integer = <const R extends Rest & NumberRange>(describe: string, rest: R) =>
  number(describe, { whole: true, ...rest })

export const choice = <const C extends string, const R extends Rest = object>(
  choices: readonly C[],
  describe: string,
  rest?: R,
) => ({ choices, describe, ...(rest as R) })

/** Several words, as they are. */
export const words = <const R extends Rest = object>(describe: string, rest?: R) => ({
  type: 'array' as const,
  string: true as const,
  describe,
  ...(rest as R),
})

/** Fields of a request, each given as NAME=VALUE; a value that is JSON is read as such. */
export const fields = (describe: string) =>
  words(describe, {
    placeholder: 'NAME=VALUE',
    nargs: 1,
    expect: (value: unknown) =>
      [value].flat().every(item => /^[^=\s]+=./s.test(String(item)))
        ? undefined
        : 'NAME=VALUE, such as input_type=query',
    coerce: (value: unknown): Readonly<Record<string, unknown>> =>
      Object.fromEntries(
        [value]
          .flat()
          .map(item => /^([^=]+)=(.*)$/s.exec(String(item))!.slice(1))
          .map(readField),
      ),
  })

function readField([name, value]: string[]): [string, unknown] {
  try {
    return [name, JSON.parse(value)]
  } catch {
    return [name, value]
  }
}

/** Several texts, given as words or separated by commas. */
export const list = <const R extends Rest = object>(describe: string, rest?: R) =>
  words(describe, { expect: listProblem, coerce: splitList, ...(rest as R) })

/** `batch-size` -> `batchSize` */
export const camel = (option: string): string => option.replace(/-./g, ([, letter]) => letter.toUpperCase())

/** Puts the rows of a table under a title in help. */
export function inGroup<T extends Readonly<Record<string, object>>>(group: string, table: T): T {
  return Object.fromEntries(Object.entries(table).map(([option, row]) => [option, { group, ...row }])) as T
}

function splitList(value: unknown): readonly string[] {
  return [value].flat().flatMap(item =>
    String(item)
      .split(',')
      .map(part => part.trim()),
  )
}

function listProblem(value: unknown): string | undefined {
  const items = splitList(value)
  return items.length > 0 && !items.includes('') ? undefined : 'one or more texts'
}

/** Names what is expected instead of a value by the row's type alone; `undefined` if the type is right. */
export function typeProblem(value: unknown, { type }: Options): string | undefined {
  if (type === 'array') {
    const isList = Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string')
    return isList || typeof value === 'string' ? undefined : 'a list of texts'
  }
  const expected = type === 'number' || type === 'boolean' ? type : 'string'
  return typeof value === expected
    ? undefined
    : { number: 'a number', boolean: 'true or false', string: 'a text' }[expected]
}

/** Checks a value against its row and reads it. `label`: what the value belongs to, for the message: `--epochs`. */
export function readValue(label: string, row: Option, value: unknown): unknown {
  const { choices, expect, coerce, mayBeEmpty, orElse } = row
  if (choices && !choices.includes(value as string) && !orElse?.(value)) {
    const near = nearest(String(value), choices.map(String))
    throw wrong(label, `one of ${choices.join(', ')}`, value, near && ` (did you mean ${near}?)`)
  }
  const isEmpty = value === '' && !mayBeEmpty
  const problem = typeProblem(value, row) ?? expect?.(value) ?? (isEmpty ? 'a non-empty text' : undefined)
  if (problem) throw wrong(label, problem, value)
  return coerce ? coerce(value) : value
}

function wrong(label: string, expected: string, value: unknown, hint = ''): AdapterTrainError {
  return usageError(`${label} must be ${expected}, found ${describe(value)}${hint}`)
}

/** Characters of a value that a message shows. */
const SHOWN = 80

/** Describes a value for a message: cut, and no more than its kind where it may hold an address with a password, or is no scalar. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object') return 'an object'
  if (Number.isNaN(value)) return 'something that is not a number'
  if (typeof value === 'string' && /[:@]/.test(value))
    return 'a text that is not shown, as it may be an address with a password'
  return JSON.stringify(typeof value === 'string' && value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value)
}

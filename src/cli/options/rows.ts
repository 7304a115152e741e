import type { InferredOptionTypes, Options, PositionalOptions } from 'yargs'
import { type AdapterTrainError, usageError } from '../../errors.js'
import { tryJson } from '../../json.js'
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
type Camel<S> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S

type OptionalIfUndefined<T> = {
  readonly [K in keyof T as undefined extends T[K] ? never : Camel<K>]: T[K]
} & { readonly [K in keyof T as undefined extends T[K] ? Camel<K> : never]?: T[K] }

/** Arguments that a table of options yields, by names in camel case. */
export type ArgsOf<T extends OptionTable | PositionalTable> = OptionalIfUndefined<InferredOptionTypes<T>>
type Rest = Omit<Option, 'describe'>

/** All names of an option, without dashes. */
export const namesOf = (name: string, { alias = [] }: Pick<Options, 'alias'>): string[] => [name, ...[alias].flat()]

/** The same with dashes. */
export const spellingsOf = (name: string, row: Pick<Options, 'alias'>): string[] =>
  namesOf(name, row).map(word => `${word.length > 1 ? '--' : '-'}${word}`)

/** Makes the builder of a kind of row: it takes the help, and what else is known of the option. */
const rowOf =
  <const T extends Options['type'], B extends object = object>(type: T, base?: B) =>
  <const R extends Rest = object>(describe: string, rest?: R) => ({ type, ...(base as B), describe, ...(rest as R) })

export const file = rowOf('string', { placeholder: 'FILE' })
export const dir = rowOf('string', { placeholder: 'DIR' })
export const name = rowOf('string', { placeholder: 'NAME' })
export const url = rowOf('string', { placeholder: 'URL' })
export const text = rowOf('string', { placeholder: 'TEXT' })

/** A switch, off unless given. */
export const flag = (describe: string) => ({ type: 'boolean', default: false, describe }) as const

/** A switch with `--no-NAME`, undecided unless given or `{ default: true }`. */
export const toggle = rowOf('boolean')

export const number = <const R extends Rest & NumberRange>(describe: string, rest: R) => ({
  type: 'number' as const,
  placeholder: 'N',
  describe,
  expect: (value: unknown) => rangeProblem(rest, value),
  ...rest,
})

export const integer = <const R extends Rest & NumberRange>(describe: string, rest: R) =>
  number(describe, { whole: true, ...rest })

/** A number above 0. */
export const positive = <const R extends Rest = object>(describe: string, rest?: R) =>
  number(describe, { min: 0, above: true, ...(rest as R) })

export const choice = <const C extends string, const R extends Rest = object>(
  choices: readonly C[],
  describe: string,
  rest?: R,
) => ({ choices, describe, ...(rest as R) })

/** Several words, as they are. */
export const words = rowOf('array', { string: true } as const)

/** Fields of a request, each given as NAME=VALUE; a value that is JSON is read as such. */
export const fields = (describe: string) =>
  words(describe, {
    placeholder: 'NAME=VALUE',
    nargs: 1,
    expect: (value: unknown) =>
      [value].flat().every(item => /^[^=\s]+=./s.test(String(item))) ? undefined : 'NAME=VALUE, such as input_type=query',
    coerce: (value: unknown): Readonly<Record<string, unknown>> => Object.fromEntries([value].flat().map(readField)),
  })

function readField(field: unknown): [string, unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(String(field))!
  const json = tryJson(value)
  return [name, json === undefined ? value : json]
}

/** Writes a list, fields or a scalar as the texts that {@link list} and {@link fields} read. */
export function wordsOfValue(value: unknown): string[] {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return [value].flat().map(String)
  return Object.entries(value).map(([name, field]) => {
    const isPlain = typeof field === 'string' && tryJson(field) === undefined
    return `${name}=${isPlain ? field : JSON.stringify(field)}`
  })
}

/** Several texts, given as words or separated by commas. */
export const list = rowOf('array', { string: true as const, expect: listProblem, coerce: splitList })

/** `batch-size` -> `batchSize` */
export const camel = (option: string): string => option.replace(/-./g, ([, letter]) => letter.toUpperCase())

/** Puts the rows of a table under a title in help. */
export function inGroup<T extends Readonly<Record<string, object>>>(group: string, table: T): T {
  return Object.fromEntries(Object.entries(table).map(([option, row]) => [option, { group, ...row }])) as T
}

function splitList(value: unknown): readonly string[] {
  const items = [value].flat().join(',').split(',')
  return items.map(item => item.trim())
}

function listProblem(value: unknown): string | undefined {
  return splitList(value).includes('') ? 'one or more texts' : undefined
}

/** Names what is expected instead of a value by the row's type alone; `undefined` if the type is right. */
export function typeProblem(value: unknown, { type }: Options): string | undefined {
  if (type === 'array') {
    const isList = Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string')
    return isList || typeof value === 'string' ? undefined : 'a list of texts'
  }
  const expected = type === 'number' || type === 'boolean' ? type : 'string'
  return typeof value === expected ? undefined : { number: 'a number', boolean: 'true or false', string: 'a text' }[expected]
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
  if (typeof value === 'string' && /[:@]/.test(value)) return 'a text that is not shown, as it may be an address with a password'
  return JSON.stringify(typeof value === 'string' && value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value)
}

import type { CommandModule, Options } from 'yargs'
import type { ConsoleOptions } from './console.js'

/** A command as yargs takes it, with its options by name: a configuration file is checked against them. */
export interface Command<Args> extends CommandModule<object, Args> {
  readonly options: OptionTable
}

export type OptionTable = Readonly<Record<string, Options>>

/** Options that every command has. */
export const outputOptions = {
  json: { type: 'boolean', default: false, describe: 'print one JSON object on stdout' },
  quiet: { type: 'boolean', default: false, describe: 'no progress and no remarks on stderr' },
} as const satisfies OptionTable

export type OutputArgs = Required<ConsoleOptions>

/** Completes a table of options: all but switches need a value, and of several the last counts. */
export function defineOptions(table: OptionTable): OptionTable {
  return Object.fromEntries(
    Object.entries(table).map(([name, option]) => {
      if (option.type === 'boolean') return [name, option]
      const { coerce = (value: unknown) => value } = option
      const last = (value: unknown) => coerce(Array.isArray(value) ? value.at(-1) : value)
      return [name, { ...option, requiresArg: true, coerce: option.type === 'array' ? coerce : last }]
    }),
  )
}

import type { Options, PositionalOptions } from 'yargs'
import type { ConsoleOptions } from './output/console.js'

/** What a command is for, in the order in which `--help` lists them. */
export const COMMAND_GROUPS = ['Get data', 'Train', 'Judge', 'Use', 'Look after'] as const

/** A command as data: what it takes, what help says of it, and the one lazy import that does the work. */
export interface Command<Args> {
  /** How it is written after the program's name, such as `embed <data..>`. */
  readonly form: string
  readonly group: (typeof COMMAND_GROUPS)[number]
  readonly describe: string
  /** Those of {@link form}. */
  readonly positionals?: Readonly<Record<string, PositionalOptions & { readonly describe: string }>>
  readonly options: OptionTable
  /** Words after the program's name, and what they do. */
  readonly examples: readonly (readonly [words: string, effect: string])[]
  /** @returns the exit code; nothing means 0 */
  run(args: Args): Promise<number | undefined>
}

export type OptionTable = Readonly<Record<string, Options>>

/** Options that every command has. */
export const outputOptions = {
  json: { type: 'boolean', default: false, describe: 'print one JSON object on stdout' },
  quiet: { type: 'boolean', default: false, describe: 'no progress and no remarks on stderr' },
  verbose: {
    type: 'boolean',
    default: false,
    describe: 'every request, candidate and epoch, and the time of each phase, on stderr',
  },
  color: {
    type: 'boolean',
    describe: 'colours also where there is no terminal; --no-color for none (default: on a terminal, see NO_COLOR)',
  },
} as const satisfies OptionTable

export type OutputArgs = ConsoleOptions & { readonly json: boolean; readonly quiet: boolean }

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

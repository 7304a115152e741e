import type { Options, PositionalOptions } from 'yargs'
import { COMMANDS, DEFAULT_COMMAND } from '../commands/index.js'
import { COMMON_OPTIONS } from '../help.js'
import { truncate } from '../output/visible-width.js'

/** What follows an option, or stands for an argument: one of some words, a file, a text of the user's own, or nothing. */
export type ValueWords = readonly string[] | 'file' | 'text' | 'none'

export interface OptionWords {
  /** As typed, such as `--lr`, `--no-gate`, `-o`. */
  readonly words: readonly string[]
  readonly describe: string
  readonly value: ValueWords
}

/** What can be typed after the name of one command. */
export interface CommandWords {
  readonly name: string
  /** Whether it is the one where none is named. */
  readonly isDefault: boolean
  readonly describe: string
  readonly options: readonly OptionWords[]
  readonly argument: ValueWords
}

/** Options whose value is a path. */
export const PATH_OPTIONS: readonly string[] = [
  ...['train', 'val', 'test', 'data', 'vectors', 'corpus', 'prompt', 'candidates', 'shadow-data', 'token-file'],
  ...['adapter', 'model', 'cache', 'checkpoint', 'log', 'out', 'report', 'config'],
]

const DESCRIBE_COLUMNS = 72

/** Every command with everything that can be typed after it. */
export function commandWords(): CommandWords[] {
  return Object.entries(COMMANDS).map(([name, { describe, options, positionals = {} }]) => ({
    name,
    isDefault: name === DEFAULT_COMMAND,
    describe: brief(describe),
    options: Object.entries({ ...options, ...COMMON_OPTIONS }).flatMap(([option, facts]) => optionWords(option, facts)),
    argument: argumentWords(Object.values(positionals)),
  }))
}

/** Switches that take no value, in any command: what follows one of them may be a command. */
export function switchWords(commands: readonly CommandWords[]): string[] {
  const switches = commands.flatMap(({ options }) => options.filter(({ value }) => value === 'none'))
  return [...new Set(switches.flatMap(({ words }) => words))]
}

function optionWords(name: string, { alias, type, choices, default: given, describe = '' }: Options): OptionWords[] {
  const words = [name, ...[alias ?? []].flat()].map(word => `${word.length > 1 ? '--' : '-'}${word}`)
  const value = type === 'boolean' ? 'none' : choices ? choices.map(String) : wordsFor(name)
  const option = { words, describe: brief(describe), value }
  const isAsked = name === 'help' || name === 'version'
  if (type !== 'boolean' || given === false || isAsked) return [option]
  const off = { words: [`--no-${name}`], describe: brief(`not: ${describe}`), value }
  return given === true ? [off] : [option, off]
}

function wordsFor(name: string): ValueWords {
  return PATH_OPTIONS.includes(name) ? 'file' : 'text'
}

function argumentWords([first]: readonly PositionalOptions[]): ValueWords {
  if (first === undefined) return 'none'
  return first.choices ? first.choices.map(String) : 'file'
}

/** Without what is in brackets, on one line. */
function brief(describe: string): string {
  return truncate(describe.replace(/\s*\((default|see)[^()]*\)/g, '').replace(/\s+/g, ' '), DESCRIBE_COLUMNS)
}

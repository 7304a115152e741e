import { flag, type OptionTable, type PositionalTable, toggle } from './options/rows.js'

/** Purpose of a command, in the order in which `--help` lists them. */
export const COMMAND_GROUPS = ['Get data', 'Train', 'Evaluate', 'Use', 'Maintain'] as const

/** Command as data: what it takes and what help says about it. `actions/index.ts` does the work. */
export interface Command {
  /** Usage after the program's name, such as `embed <data..>`. */
  readonly form: string
  readonly group: (typeof COMMAND_GROUPS)[number]
  /** Summary for help: a capitalised imperative. */
  readonly describe: string
  /** Arguments named in {@link form}. */
  readonly positionals?: PositionalTable
  readonly options: OptionTable
  /** Words after the program's name, and what they do. */
  readonly examples: readonly (readonly [words: string, effect: string])[]
}

export const outputOptions = {
  json: flag('one JSON object on stdout'),
  quiet: flag('no progress or notes on stderr'),
  verbose: flag('every request, candidate, epoch and phase with its time, on stderr'),
  color: toggle('colours even without a terminal; --no-color for none (default: on a terminal, see NO_COLOR)'),
}

/**
 * Exit codes: done, failed, wrong usage, adapter rejected by the gate or by the one in use, a check that failed (quality, drift, a
 * bound), and stopped by Ctrl-C as shells count it.
 */
export const EXIT = { done: 0, failed: 1, usage: 2, rejected: 3, check: 4, interrupted: 130 } as const

import type { Command } from '../command.js'
import { cacheCommand } from './cache.js'
import { doctorCommand } from './doctor.js'
import { embedCommand } from './embed.js'
import { evaluateCommand } from './evaluate.js'
import { inspectCommand } from './inspect.js'
import { trainCommand } from './train.js'

/** Every command by name. A new one is one file here, one in actions, and one entry. */
export const COMMANDS: Readonly<Record<string, Command<never>>> = {
  train: trainCommand,
  evaluate: evaluateCommand,
  embed: embedCommand,
  inspect: inspectCommand,
  cache: cacheCommand,
  doctor: doctorCommand,
}

/** The options of each command. */
export const COMMAND_OPTIONS = Object.fromEntries(
  Object.entries(COMMANDS).map(([name, { options }]) => [name, options]),
)

/** The command where none is named. */
export const DEFAULT_COMMAND = 'train'

import type { Command } from '../command.js'
import { cacheCommand } from './cache.js'
import { compareCommand } from './compare.js'
import { completionCommand } from './completion.js'
import { convertCommand } from './convert.js'
import { doctorCommand } from './doctor.js'
import { embedCommand } from './embed.js'
import { evaluateCommand } from './evaluate.js'
import { explainCommand } from './explain.js'
import { generateCommand } from './generate.js'
import { importCommand } from './import.js'
import { initCommand } from './init.js'
import { inspectCommand } from './inspect.js'
import { serveCommand } from './serve.js'
import { sweepCommand } from './sweep.js'
import { trainCommand } from './train.js'
import { tryCommand } from './try.js'

/** Every command by name. A new one is one file here, one in actions, and one entry. */
export const COMMANDS: Readonly<Record<string, Command<never>>> = {
  init: initCommand,
  train: trainCommand,
  evaluate: evaluateCommand,
  compare: compareCommand,
  explain: explainCommand,
  try: tryCommand,
  sweep: sweepCommand,
  embed: embedCommand,
  generate: generateCommand,
  import: importCommand,
  inspect: inspectCommand,
  convert: convertCommand,
  serve: serveCommand,
  cache: cacheCommand,
  doctor: doctorCommand,
  completion: completionCommand,
}

/** The options of each command. */
export const COMMAND_OPTIONS = Object.fromEntries(
  Object.entries(COMMANDS).map(([name, { options }]) => [name, options]),
)

/** The command where none is named. */
export const DEFAULT_COMMAND = 'train'

import type { Command } from '../command.js'
import { bridgeCommand } from './bridge.js'
import { cacheCommand } from './cache.js'
import { compareCommand } from './compare.js'
import { completionCommand } from './completion.js'
import { convertCommand } from './convert.js'
import { doctorCommand } from './doctor.js'
import { driftCommand } from './drift.js'
import { embedCommand } from './embed.js'
import { evaluateCommand } from './evaluate.js'
import { explainCommand, tryCommand } from './explain.js'
import { generateCommand } from './generate.js'
import { historyCommand, rollbackCommand } from './history.js'
import { hybridCommand } from './hybrid.js'
import { importCommand } from './import.js'
import { initCommand } from './init.js'
import { inspectCommand } from './inspect.js'
import { labelCommand } from './label.js'
import { refreshCommand } from './refresh.js'
import { serveCommand } from './serve.js'
import { sweepCommand } from './sweep.js'
import { trainCommand } from './train.js'
import { viewCommand } from './view.js'

/** Commands by name. A new one is a file here, one in actions, and an entry in the index of each. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  init: initCommand,
  train: trainCommand,
  bridge: bridgeCommand,
  refresh: refreshCommand,
  evaluate: evaluateCommand,
  compare: compareCommand,
  hybrid: hybridCommand,
  explain: explainCommand,
  try: tryCommand,
  view: viewCommand,
  sweep: sweepCommand,
  embed: embedCommand,
  generate: generateCommand,
  import: importCommand,
  label: labelCommand,
  inspect: inspectCommand,
  history: historyCommand,
  rollback: rollbackCommand,
  drift: driftCommand,
  convert: convertCommand,
  serve: serveCommand,
  cache: cacheCommand,
  doctor: doctorCommand,
  completion: completionCommand,
}

export const COMMAND_OPTIONS = Object.fromEntries(Object.entries(COMMANDS).map(([name, { options }]) => [name, options]))

/** Default command. */
export const DEFAULT_COMMAND = 'train'

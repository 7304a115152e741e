import { type Command, outputOptions } from '../command.js'
import { type ArgsOf, file, integer } from '../options/rows.js'

const historyPositionals = { file: file('adapter file', { demandOption: true }) }
const rollbackPositionals = {
  ...historyPositionals,
  number: integer('version to put back (default: the last one that was replaced)', { min: 1 }),
}
const options = { ...outputOptions }

export type HistoryArgs = ArgsOf<typeof historyPositionals & typeof options>
export type RollbackArgs = ArgsOf<typeof rollbackPositionals & typeof options>

export const historyCommand: Command = {
  form: 'history <file>',
  group: 'Use',
  describe: 'List the versions of an adapter file and why each was replaced',
  positionals: historyPositionals,
  options,
  examples: [
    ['history adapters/x.json', 'the one in use first'],
    ['history adapters/x.json --json', 'with all figures, for programs'],
  ],
}

export const rollbackCommand: Command = {
  form: 'rollback <file> [number]',
  group: 'Use',
  describe: 'Put an earlier version of an adapter file back',
  positionals: rollbackPositionals,
  options,
  examples: [
    ['rollback adapters/x.json', 'the last one that was replaced; a server with --watch takes it'],
    ['rollback adapters/x.json 3', 'version 3 of the history'],
  ],
}

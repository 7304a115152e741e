import yargs from 'yargs'
import { usageError } from '../errors.js'
import { nearest } from '../words.js'
import { COMMAND_OPTIONS, COMMANDS, DEFAULT_COMMAND } from './commands/index.js'
import { optionName, rowOf } from './find-command.js'
import { COMMON_OPTIONS } from './help.js'
import { camel, type OptionTable, type PositionalTable, readValue } from './options/rows.js'

/** Turns words into the arguments of a command: yargs reads them, the tables decide what is right. */
export async function parseArgs(
  args: readonly string[],
  command: string | undefined,
  readConfig: (path: string) => Readonly<Record<string, unknown>>,
): Promise<object> {
  const { positionals = {}, options } = COMMANDS[command ?? DEFAULT_COMMAND]
  const table: OptionTable = { ...options, ...COMMON_OPTIONS }
  const program = command === undefined ? 'adapter-train' : `adapter-train ${command}`
  const help = `; see ${program} --help`
  const incomplete = incompleteOption(args, table)
  if (incomplete) throw usageError(incomplete.endsWith('value') ? incomplete + help : incomplete)

  const { _: typed, $0: _program, config, ...given } = await readWords(args, table)
  const known = new Set(Object.keys(table).map(camel))
  const unknown = Object.keys(given).filter(key => !known.has(key))
  if (unknown.length > 0) throw usageError(unknownOptions(unknown, args, Object.keys(table)) + help)
  if (Array.isArray(config)) throw usageError('--config can be given once')
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(config === undefined ? {} : readConfig(String(config)))) {
    values[camel(name)] = value
  }
  const words = typed.slice(command === undefined ? 0 : 1).map(String)
  Object.assign(values, given, placed(words, positionals, command))
  for (const [name, row] of Object.entries<OptionTable[string]>({ ...options, ...(positionals as OptionTable) })) {
    const isOption = Object.hasOwn(options, name)
    const key = camel(name)
    const value = Array.isArray(values[key]) && isOption && row.type !== 'array' ? values[key].at(-1) : values[key]
    if (value !== undefined) {
      values[key] = row.array ? value : readValue(isOption ? `--${name}` : `<${name}>`, row, value)
    } else if (row.default !== undefined) values[key] = row.coerce ? row.coerce(row.default) : row.default
    else if (row.demandOption) throw usageError(`missing option --${name}${help}`)
  }
  return values
}

/** Reads the words by the types of the options alone; unknown options come along. */
function readWords(args: readonly string[], table: OptionTable) {
  const rows = Object.entries(table).map(([name, { type = 'string', alias, nargs }]) => [
    name,
    { type, alias, nargs, string: type === 'array' },
  ])
  return yargs([...args])
    .parserConfiguration({
      'strip-aliased': true,
      'strip-dashed': true,
      'dot-notation': false,
      'short-option-groups': false,
      'parse-positional-numbers': false,
    })
    .help(false)
    .version(false)
    .exitProcess(false)
    .options(Object.fromEntries(rows))
    .parseAsync()
}

/** Describes the first option that lacks its value, which yargs would take for an empty text or for 0. */
function incompleteOption(args: readonly string[], table: OptionTable): string | undefined {
  for (const [i, word] of args.entries()) {
    if (word === '--') return undefined
    const row = word.startsWith('-') ? rowOf(word, table) : undefined
    if (!row || row.type === 'boolean') continue
    const [name, own] = /^([^=]*)=(.*)$/s.exec(word)?.slice(1) ?? [word]
    const value = own ?? args[i + 1]
    if (value === undefined || (own === undefined && /^-(?!\.?\d)/.test(value))) return `${name} needs a value`
    if (row.type === 'number' && value.trim() === '') return `${name} needs a number, found nothing`
  }
  return undefined
}

/** Gives the words their places among the arguments of a command. */
function placed(words: readonly string[], positionals: PositionalTable, command: string | undefined): object {
  const values: Record<string, unknown> = {}
  const rest = [...words]
  for (const [name, { array, type, demandOption }] of Object.entries<OptionTable[string]>(positionals as OptionTable)) {
    if (rest.length === 0 && !demandOption) break
    if (rest.length === 0) throw usageError(`missing argument: expected adapter-train ${COMMANDS[command!].form}`)
    values[name] = array ? rest.splice(0) : type === 'number' ? Number(rest.shift()) : rest.shift()
  }
  if (rest.length > 0) throw usageError(unexpectedWord(rest[0], command))
  return values
}

/** The option that names a dataset: of training, and of every other command. */
const DATASET = ['train', 'data']

function unknownOptions(unknown: readonly string[], args: readonly string[], known: readonly string[]): string {
  const typed = args.filter(word => word.startsWith('-') && unknown.includes(camel(optionName(word))))
  const named = typed.map(word => {
    const name = optionName(word)
    const near = (DATASET.includes(name) && DATASET.find(other => known.includes(other))) || nearest(name, known)
    return `${word.replace(/=.*$/s, '')}${near ? ` (did you mean --${near}?)` : ''}`
  })
  return `unknown ${named.length > 1 ? 'options' : 'option'} ${named.join(', ') || unknown.join(', ')}`
}

function unexpectedWord(word: string, command: string | undefined): string {
  if (command === undefined && /^[a-z-]+$/i.test(word)) {
    const near = nearest(word, Object.keys(COMMANDS))
    const hint = near ? `did you mean ${near}?` : `expected one of ${Object.keys(COMMANDS).join(', ')}`
    return `unknown command "${word}" (${hint}); see adapter-train --help`
  }
  const options = COMMAND_OPTIONS[command ?? DEFAULT_COMMAND]
  const files = DATASET.find(name => Object.hasOwn(options, name))
  const hint = /[./\\]/.test(word) && files ? ` (a dataset is named by an option: --${files} ${word})` : ''
  return `unexpected argument "${word}"${hint}; see adapter-train ${command ?? ''}${command ? ' ' : ''}--help`
}

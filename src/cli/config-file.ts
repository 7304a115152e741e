import type { Options } from 'yargs'
import { AdapterTrainError } from '../errors.js'
import { kebab } from '../kebab.js'
import { nearest } from '../nearest.js'
import { readNamedFile } from '../read-named-file.js'
import type { OptionTable } from './command.js'
import { type ConfigEntry, ConfigSyntaxError, configEntries } from './config-entries.js'

type Values = Record<string, unknown>

/**
 * Reads the file of `--config`: JSON, or YAML where its name ends in .yaml or .yml, whose keys are option names, as on the command
 * line or in camel case.
 *
 * @param command name of the command, for messages
 * @param commands the options of each command
 * @returns values by option name, of the options' types; whether a value makes sense is checked with the command line's
 * @throws FILE_NOT_FOUND, FILE_READ when it cannot be read
 * @throws USAGE with the line when it is not such a file, or a key or the type of a value is wrong
 */
export function readConfigFile(path: string, command: string, commands: Readonly<Record<string, OptionTable>>): Values {
  const options = commands[command]
  const values: Values = {}
  for (const { key, value, line } of parse(path)) {
    const name = optionFor(key, options)
    if (name === undefined) throw wrong(path, line, unknownKey(key, command, commands))
    if (Object.hasOwn(values, name)) throw wrong(path, line, `"${key}" gives --${name} a second time; drop one`)
    const expected = typeProblem(value, options[name])
    if (expected) throw wrong(path, line, `"${key}" must be ${expected}, found ${JSON.stringify(value)}`)
    values[name] = value
  }
  return values
}

function wrong(path: string, line: number | undefined, problem: string, cause?: unknown): AdapterTrainError {
  const place = line === undefined ? path : `${path}:${line}`
  return new AdapterTrainError('USAGE', `--config ${place}: ${problem}`, { cause, details: { file: path, line } })
}

function parse(path: string): readonly ConfigEntry[] {
  const content = readNamedFile(path, '--config')
  try {
    return configEntries(path, content)
  } catch (cause) {
    if (!(cause instanceof ConfigSyntaxError)) throw cause
    throw wrong(path, cause.line, cause.message, cause)
  }
}

/** The option that a key names, `undefined` where there is none. */
function optionFor(key: string, options: OptionTable): string | undefined {
  const name = kebab(key)
  if (Object.hasOwn(options, name)) return name
  return Object.keys(options).find(known => [options[known].alias ?? []].flat().includes(key))
}

function unknownKey(key: string, command: string, commands: Readonly<Record<string, OptionTable>>): string {
  if (key === 'config') return 'a configuration file cannot name another one'
  const elsewhere = Object.keys(commands).filter(other => optionFor(key, commands[other]) !== undefined)
  if (elsewhere.length > 0) return `"${key}" is an option of ${elsewhere.join(' and ')}, not of ${command}`
  const near = nearest(kebab(key), Object.keys(commands[command]))
  return `unknown option "${key}"${near ? ` (did you mean "${near}"?)` : ''}`
}

/** What was expected instead; `undefined` where the type is right. */
function typeProblem(value: unknown, { type }: Options): string | undefined {
  if (type === 'array') {
    const isList = Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string')
    return isList || typeof value === 'string' ? undefined : 'a list of texts'
  }
  const expected = type === 'number' || type === 'boolean' ? type : 'string'
  if (typeof value === expected) return undefined
  return { number: 'a number', boolean: 'true or false', string: 'a text' }[expected]
}

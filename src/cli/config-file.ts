import { readFileSync } from 'node:fs'
import type { Options } from 'yargs'
import { AdapterTrainError, messageOf } from '../errors.js'
import { nearest } from '../nearest.js'
import type { OptionTable } from './command.js'
import { kebab } from './find-command.js'

type Values = Record<string, unknown>

/**
 * Reads the file of `--config`: a JSON object whose keys are option names, as on the command line or in camel case.
 *
 * @param command name of the command, for messages
 * @param commands the options of each command
 * @returns values by option name, of the options' types; whether a value makes sense is checked with the command line's
 * @throws FILE_NOT_FOUND, FILE_READ when it cannot be read
 * @throws USAGE when it is not a JSON object, or a key or the type of a value is wrong
 */
export function readConfigFile(path: string, command: string, commands: Readonly<Record<string, OptionTable>>): Values {
  const wrong = (problem: string, cause?: unknown) =>
    new AdapterTrainError('USAGE', `--config ${path}: ${problem}`, { cause })
  const content = parse(path, wrong)
  const options = commands[command]
  const values: Values = {}
  for (const [key, value] of Object.entries(content)) {
    const name = optionFor(key, options)
    if (name === undefined) throw wrong(unknownKey(key, command, commands))
    if (Object.hasOwn(values, name)) throw wrong(`"${key}" gives --${name} a second time; drop one`)
    const expected = typeProblem(value, options[name])
    if (expected) throw wrong(`"${key}" must be ${expected}, found ${JSON.stringify(value)}`)
    values[name] = value
  }
  return values
}

function parse(path: string, wrong: (problem: string, cause: unknown) => Error): Values {
  let content: string
  try {
    content = readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const problem = missing ? 'there is no such file' : messageOf(cause).split(', ')[0]
    throw new AdapterTrainError(missing ? 'FILE_NOT_FOUND' : 'FILE_READ', `--config ${path}: ${problem}`, { cause })
  }
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw wrong(`is not JSON: ${messageOf(cause)}`, cause)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Values
  throw wrong('expected a JSON object whose keys are option names', undefined)
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

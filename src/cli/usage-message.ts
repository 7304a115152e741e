import { kebab } from '../kebab.js'
import { nearest } from '../nearest.js'
import { optionName } from './find-command.js'

/** What was typed, for {@link usageMessage}. */
export interface Typed {
  readonly args: readonly string[]
  /** The command, where one was named. */
  readonly command?: string
  readonly commands: readonly string[]
  /** How the command is written, such as `embed <data..>`. */
  readonly form?: string
  /** Names of the command's options. */
  readonly options: readonly string[]
}

/** Says what yargs found wrong in terms of what was typed, with the nearest right word. */
export function usageMessage(message: string, typed: Typed): string {
  const program = typed.command === undefined ? 'adapter-train' : `adapter-train ${typed.command}`
  const [, missing] = /^Missing required arguments?: (.+)$/.exec(message) ?? []
  if (missing) return `missing option --${missing.split(', ').join(', --')}; see ${program} --help`
  const [, valueless] = /^Not enough arguments following: (.+)$/.exec(message) ?? []
  if (valueless) return `${valueless.length > 1 ? '--' : '-'}${valueless} needs a value; see ${program} --help`
  if (/^Not enough non-option arguments/.test(message)) return `missing argument: expected adapter-train ${typed.form}`
  const [invalid] = message.matchAll(/Argument: (\S+), Given: (.+), Choices: (.+)/g)
  if (invalid) return notAChoice(invalid, typed)
  const [, unknown] = /^Unknown (?:arguments?|commands?): (.+)$/s.exec(message) ?? []
  return unknown ? unknownWords(unknown.split(', '), typed, program) : message
}

function notAChoice([, name, given, quoted]: RegExpMatchArray, { options }: Typed): string {
  const choices = quoted.split(', ').map(choice => choice.replaceAll('"', ''))
  const near = nearest(given.replaceAll('"', ''), choices)
  const label = options.includes(name) ? `--${name}` : `<${name}>`
  return `${label} must be one of ${choices.join(', ')}, found ${given}${near ? ` (did you mean ${near}?)` : ''}`
}

function unknownWords(unknown: readonly string[], typed: Typed, program: string): string {
  const names = new Set(unknown.map(kebab))
  const options = typed.args.filter(word => word.startsWith('-') && names.has(optionName(word)))
  if (options.length > 0) {
    const named = options.map(word => {
      const near = nearest(optionName(word), typed.options)
      return `${word.replace(/=.*$/s, '')}${near ? ` (did you mean --${near}?)` : ''}`
    })
    return `unknown ${named.length > 1 ? 'options' : 'option'} ${named.join(', ')}; see ${program} --help`
  }
  const word = typed.args.find((arg, i) => unknown.includes(arg) && (i > 0 || arg !== typed.command)) ?? unknown[0]
  const isFile = /[./\\]/.test(word)
  if (typed.command === undefined && /^[a-z-]+$/i.test(word)) {
    const near = nearest(word, typed.commands)
    const hint = near ? `did you mean ${near}?` : `expected one of ${typed.commands.join(', ')}`
    return `unknown command "${word}" (${hint}); see adapter-train --help`
  }
  const files = ['train', 'data'].find(name => typed.options.includes(name))
  const hint = isFile && files ? ` (a data set is named by an option: --${files} ${word})` : ''
  return `unexpected argument "${word}"${hint}; see ${program} --help`
}

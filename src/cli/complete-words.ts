import { COMMAND_OPTIONS, COMMANDS, DEFAULT_COMMAND } from './commands/index.js'
import { findCommand, rowOf } from './find-command.js'
import { COMMON_OPTIONS } from './help.js'
import { type Option, type OptionTable, spellingsOf } from './options/rows.js'

/** Line that asks the shell to complete names of files. */
const FILES = ':files'

/**
 * Completes the last of some words, for the scripts of the shells.
 * @param words the words typed after the program's name, the last one unfinished; bash puts `=` between words
 * @returns lines of a word, a tab and what it means; or {@link FILES}
 */
export function completeWords(words: readonly string[]): string[] {
  const typed = words.slice(0, -1).filter(word => word !== '=')
  const last = words.at(-1) ?? ''
  const { command } = findCommand(typed, COMMAND_OPTIONS)
  const { options, positionals = {} } = COMMANDS[command ?? DEFAULT_COMMAND]
  const table: OptionTable = { ...options, ...COMMON_OPTIONS }
  const [, option, value] = /^(--[^=]*=)(.*)$/s.exec(last) ?? []
  if (option !== undefined) return valuesOf(rowOf(option, table), value).map(word => (word === FILES ? word : option + word))
  if (last.startsWith('-'))
    return Object.entries(table)
      .flatMap(optionLines)
      .filter(line => line.startsWith(last))
  const before = typed.at(-1)?.startsWith('-') ? rowOf(typed.at(-1)!, table) : undefined
  const current = last === '=' ? '' : last
  if (before && before.type !== 'boolean') return valuesOf(before, current)
  // Before any word but switches the default command may still become another one.
  if (command === undefined) {
    const lines = Object.entries(COMMANDS).map(([name, { describe }]) => `${name}\t${describe}`)
    return typed.at(-1)?.startsWith('-') && !before ? [] : lines.filter(line => line.startsWith(current))
  }
  return valuesOf(Object.values(positionals)[0] as Option | undefined, current)
}

function valuesOf(row: Option | undefined, start: string): string[] {
  if (row?.choices) return row.choices.map(String).filter(choice => choice.startsWith(start))
  const isPath = row?.completes === 'file' || /^(FILE|DIR)$/.test(row?.placeholder ?? '')
  return isPath ? [FILES] : []
}

function optionLines([name, row]: [string, Option]): string[] {
  const { type, default: given, describe } = row
  const isSwitch = type === 'boolean' && given !== false && name !== 'help' && name !== 'version'
  const text = describe.replace(/\s*\((default|see)[^()]*\)/g, '')
  const on = isSwitch && given === true ? [] : spellingsOf(name, row).map(word => `${word}\t${text}`)
  return isSwitch ? [...on, `--no-${name}\tnot: ${text}`] : on
}

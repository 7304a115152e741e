import { kebab } from '../kebab.js'
import type { OptionTable } from './command.js'

/**
 * Finds the command among the words, wherever it stands, and puts it first: yargs, which does not know a command's options
 * before it knows the command, would read `--json evaluate` as an option with a value.
 *
 * @param words the words after the program's name
 * @param commands the options of each command
 */
export function findCommand(
  words: readonly string[],
  commands: Readonly<Record<string, OptionTable>>,
): { readonly command?: string; readonly args: readonly string[] } {
  const switches = new Set(['help', 'h', 'version', 'v'])
  const valued = new Set(['config'])
  for (const [name, option] of Object.values(commands).flatMap(table => Object.entries(table))) {
    const names = [name, ...[option.alias ?? []].flat()]
    for (const known of names) (option.type === 'boolean' ? switches : valued).add(known)
  }
  for (let i = 0; i < words.length && words[i] !== '--'; i++) {
    const word = words[i]
    if (!word.startsWith('-')) {
      if (!Object.hasOwn(commands, word)) break
      return { command: word, args: [word, ...words.slice(0, i), ...words.slice(i + 1)] }
    }
    const name = optionName(word)
    const next = words[i + 1] ?? '-'
    if (word.includes('=') || next.startsWith('-')) continue
    if (switches.has(name)) i += /^(true|false)$/.test(next) ? 1 : 0
    else if (valued.has(name)) i++
    // An option that does not exist is reported in any case; what follows may be its value.
    else if (!Object.hasOwn(commands, next)) i++
  }
  return { args: words }
}

/** The word that gives a number option an empty value, which yargs would take for 0: `--seed=`, or `--seed ""`. */
export function findEmptyNumber(args: readonly string[], options: OptionTable): string | undefined {
  return args.find((word, i) => {
    if (!word.startsWith('-')) return false
    const name = optionName(word)
    const isNumber = Object.keys(options).some(
      known => options[known].type === 'number' && [known, options[known].alias ?? []].flat().includes(name),
    )
    return isNumber && (word.endsWith('=') || (!word.includes('=') && args[i + 1]?.trim() === ''))
  })
}

/** `--batchSize=4` -> `batch-size`, `--no-json` -> `json` */
export function optionName(word: string): string {
  return kebab(word.replace(/^-+/, '').replace(/=.*$/s, '')).replace(/^no-/, '')
}

import { kebab } from '../words.js'
import { namesOf, type Option, type OptionTable } from './options/rows.js'

/**
 * Finds the command among the words and puts it first: before it knows the command and its options, yargs would read `--json
 * evaluate` as an option with a value.
 */
export function findCommand(words: readonly string[], commands: Readonly<Record<string, OptionTable>>) {
  const switches = new Set(['help', 'h', 'version', 'v'])
  const valued = new Set(['config'])
  for (const [name, option] of Object.values(commands).flatMap(table => Object.entries(table))) {
    for (const known of namesOf(name, option)) (option.type === 'boolean' ? switches : valued).add(known)
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
    // An unknown option is reported later; what follows may be its value.
    else if (!Object.hasOwn(commands, next)) i++
  }
  return { args: words }
}

/** Row of the option that a word such as `--batchSize=4` or `-o` names; `undefined` if there is none. */
export function rowOf(word: string, options: OptionTable): Option | undefined {
  const name = optionName(word)
  return Object.entries(options).find(([known, row]) => namesOf(known, row).includes(name))?.[1]
}

/** `--batchSize=4` -> `batch-size`, `--no-json` -> `json` */
export function optionName(word: string): string {
  return kebab(word.replace(/^-+/, '').replace(/=.*$/s, '')).replace(/^no-/, '')
}

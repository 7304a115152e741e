import type { Options } from 'yargs'
import type { OptionTable } from './command.js'
import { COMMANDS, DEFAULT_COMMAND } from './commands/index.js'

/** Options that are there besides a command's own. */
export const COMMON_OPTIONS = {
  config: {
    type: 'string',
    requiresArg: true,
    describe: 'JSON file with options; its keys are the option names; the command line comes first',
  },
  help: { type: 'boolean', alias: 'h', describe: 'show this text' },
  version: { type: 'boolean', alias: 'v', describe: 'show the version' },
} as const satisfies OptionTable

const LABEL_WIDTH = 24

/**
 * The text of `--help`. Not yargs's, because to load yargs and to lay its text out takes longer than all the rest.
 *
 * @param command one command, or `undefined` for the program as a whole, with the options of its default command
 * @param width columns of the terminal
 */
export function helpText(command: string | undefined, width: number): string {
  const { form, describe, positionals = {}, options, examples } = COMMANDS[command ?? DEFAULT_COMMAND]
  const row = (label: string, text: string): string => layOut(label, text, width)
  const commands = Object.entries(COMMANDS).map(([name, { form: words, describe: what }]) =>
    row(words, name === DEFAULT_COMMAND ? `${what} (where no command is named)` : what),
  )
  const sections: [title: string, rows: string[]][] = [
    ['Commands:', command === undefined ? commands : []],
    ['Arguments:', Object.entries(positionals).map(([name, { describe: what }]) => row(name, what))],
    ...grouped({ ...options, ...COMMON_OPTIONS }).map(([title, group]): [string, string[]] => [
      title,
      group.map(([name, option]) => row(optionLabel(name, option), optionText(option))),
    ]),
    ['Examples:', examples.map(([words, effect]) => `  adapter-train ${words}\n      ${effect}`)],
  ]
  const about = 'Trains a small adapter for the query side of an embedding model; the documents stay as they are.'
  return [
    command === undefined ? `adapter-train [command] [options]\n\n${about}` : `adapter-train ${form}\n\n${describe}`,
    ...sections.filter(([, rows]) => rows.length > 0).map(([title, rows]) => `${title}\n${rows.join('\n')}`),
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 trained but not proven (the gate), 130 stopped by Ctrl-C. Every command has its own --help.',
  ].join('\n\n')
}

function grouped(options: OptionTable): [title: string, group: [string, Options][]][] {
  const groups = new Map<string, [string, Options][]>()
  for (const [name, option] of Object.entries(options)) {
    const title = option.group ?? 'Options:'
    groups.set(title, [...(groups.get(title) ?? []), [name, option]])
  }
  return [...groups]
}

function optionLabel(name: string, { alias, type }: Options): string {
  const names = [name, ...[alias ?? []].flat()].map(word => `${word.length > 1 ? '--' : '-'}${word}`)
  const value = { number: ' N', array: ' ...' }[type as string] ?? (type === 'boolean' ? '' : ' X')
  return `${names.join(', ')}${value}`
}

function optionText({ describe, choices, default: given, demandOption }: Options): string {
  const isSwitchedOff = given === false || given === undefined
  const facts = [
    ...(demandOption ? ['required'] : []),
    ...(choices ? [choices.join(' | ')] : []),
    ...(isSwitchedOff ? [] : [`default: ${[given].flat().join(' ')}`]),
  ]
  return `${describe}${facts.length > 0 ? ` [${facts.join('; ')}]` : ''}`
}

/** A label and, beside or below it, a text that is broken between words. */
function layOut(label: string, text: string, width: number): string {
  const indent = ' '.repeat(LABEL_WIDTH + 4)
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1]
    if (line !== '' && indent.length + line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  const start = label.length > LABEL_WIDTH ? `  ${label}\n${indent}` : `  ${label.padEnd(LABEL_WIDTH)}  `
  return start + lines.join(`\n${indent}`)
}

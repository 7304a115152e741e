import type { Options } from 'yargs'
import { COMMAND_GROUPS, type OptionTable } from './command.js'
import { COMMANDS, DEFAULT_COMMAND } from './commands/index.js'
import { PLAIN, type Style } from './output/style.js'

/** Options that are there besides a command's own. */
export const COMMON_OPTIONS = {
  config: {
    type: 'string',
    requiresArg: true,
    describe: 'YAML or JSON file with options; its keys are the option names; the command line comes first',
  },
  help: { type: 'boolean', alias: 'h', describe: 'show this text' },
  version: { type: 'boolean', alias: 'v', describe: 'show the version' },
} as const satisfies OptionTable

const LABEL_WIDTH = 24
const ABOUT = 'Trains a small adapter for the query side of an embedding model;\nthe documents stay as they are.'
/** What most people want first. */
const FIRST_STEPS = [
  ['adapter-train init', 'asks, checks, tries a small sample, and writes a file of options'],
  ['adapter-train generate docs/ --llm openai', 'write questions for your documents'],
  ['adapter-train --base openai', 'train on train_dataset.json and val_dataset.json of this folder'],
  ['adapter-train evaluate --base openai --data test.json --adapter adapters/x.json', 'measure it'],
] as const

/**
 * The text of `--help`. Not yargs's, because to load yargs and to lay its text out takes longer than all the rest.
 *
 * @param command one command, or `undefined` for the program as a whole
 * @param width columns of the terminal
 * @param style of the titles
 */
export function helpText(command: string | undefined, width: number, style: Style = PLAIN): string {
  return command === undefined ? programHelp(width, style) : commandHelp(command, width, style)
}

/** Short enough for one screen. */
function programHelp(width: number, style: Style): string {
  const names = Object.keys(COMMANDS)
  const labelWidth = Math.max(...names.map(name => name.length))
  const groups = COMMAND_GROUPS.map(group => {
    const rows = names
      .filter(name => COMMANDS[name].group === group)
      .map(name => layOut(name, COMMANDS[name].describe, width, labelWidth))
    return `${style.bold(group)}\n${rows.join('\n')}`
  })
  const examples = FIRST_STEPS.map(([words, effect]) => `  ${words}\n      ${effect}`)
  return [
    `adapter-train [command] [options]\n\n${ABOUT}`,
    ...groups,
    `${style.bold('Examples')}\n${examples.join('\n')}`,
    [
      `${DEFAULT_COMMAND} is the default command; all its options: adapter-train ${DEFAULT_COMMAND} --help`,
      'Every command has --help, --quiet, --verbose, --no-color and --config FILE.',
      'Completion for your shell: adapter-train completion --help',
    ].join('\n'),
  ].join('\n\n')
}

function commandHelp(command: string, width: number, style: Style): string {
  const { form, describe, positionals = {}, options, examples } = COMMANDS[command]
  const row = (label: string, text: string): string => layOut(label, text, width)
  const sections: [title: string, rows: string[]][] = [
    ['Arguments:', Object.entries(positionals).map(([name, option]) => row(name, optionText(option)))],
    ...grouped({ ...options, ...COMMON_OPTIONS }).map(([title, group]): [string, string[]] => [
      title,
      group.map(([name, option]) => row(optionLabel(name, option), optionText(option))),
    ]),
    ['Examples:', examples.map(([words, effect]) => `  adapter-train ${words}\n      ${effect}`)],
  ]
  const isDefault = command === DEFAULT_COMMAND ? ' (the command where none is named)' : ''
  return [
    `adapter-train ${form}\n\n${describe}${isDefault}`,
    ...sections
      .filter(([, rows]) => rows.length > 0)
      .map(([title, rows]) => `${style.bold(title)}\n${rows.join('\n')}`),
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 trained but not proven (the gate), 130 stopped by Ctrl-C.',
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

function optionText({
  describe,
  choices,
  default: given,
  demandOption,
}: Pick<Options, 'describe' | 'choices' | 'default' | 'demandOption'>): string {
  const isSwitchedOff = given === false || given === undefined
  const facts = [
    ...(demandOption ? ['required'] : []),
    ...(choices ? [choices.join(' | ')] : []),
    ...(isSwitchedOff ? [] : [`default: ${[given].flat().join(' ')}`]),
  ]
  return `${describe}${facts.length > 0 ? ` [${facts.join('; ')}]` : ''}`
}

/** A label and, beside or below it, a text that is broken between words. */
function layOut(label: string, text: string, width: number, labelWidth = LABEL_WIDTH): string {
  const indent = ' '.repeat(labelWidth + 4)
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1]
    if (line !== '' && indent.length + line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  const start = label.length > labelWidth ? `  ${label}\n${indent}` : `  ${label.padEnd(labelWidth)}  `
  return start + lines.join(`\n${indent}`)
}

import { getOrInsert } from '../maps.js'
import { COMMAND_GROUPS } from './command.js'
import { COMMANDS, DEFAULT_COMMAND } from './commands/index.js'
import { file, type Option, type OptionTable, spellingsOf } from './options/rows.js'
import { PLAIN, type Style, wrap } from './output/style.js'

export const COMMON_OPTIONS: OptionTable = {
  config: file('YAML or JSON config file; keys are option names, command-line options override it'),
  help: { type: 'boolean', alias: 'h', describe: 'this text' },
  version: { type: 'boolean', alias: 'v', describe: 'version of the program' },
}

const LABEL_WIDTH = 24
const ABOUT = 'Trains a small adapter for the query embeddings of a search or RAG system;\ndocument embeddings stay as they are.'
const FIRST_STEPS = [
  ['adapter-train init', 'check your data, run a trial, write a config file'],
  ['adapter-train generate docs/ --llm openai', 'write questions for your documents'],
  ['adapter-train --base openai', 'train on train_dataset.json and val_dataset.json of this folder'],
  ['adapter-train evaluate --base openai --data test.json --adapter adapters/x.json', 'measure it'],
] as const

/** Lays out the text of `--help`. Not yargs' own: loading yargs takes longer than all the rest. */
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
    `${style.bold('Usage:')} adapter-train [command] [options]\n\n${ABOUT}`,
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
  const row = (label: string, option: HelpRow): string => layOut(label, optionText(option), width)
  const sections: [title: string, rows: string[]][] = [
    ['Arguments', Object.entries(positionals).map(([name, option]) => row(name, option))],
    ...grouped({ ...options, ...COMMON_OPTIONS }, (name, option) => row(optionLabel(name, option), option)),
    ['Examples', examples.map(([words, effect]) => `  adapter-train ${words}\n      ${effect}`)],
  ]
  const isDefault = command === DEFAULT_COMMAND ? ' (the default command)' : ''
  return [
    `${style.bold('Usage:')} adapter-train ${form} [options]\n\n${describe}${isDefault}.`,
    ...sections.filter(([, rows]) => rows.length > 0).map(([title, rows]) => `${style.bold(`${title}:`)}\n${rows.join('\n')}`),
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 adapter rejected, 4 check failed, 130 stopped by Ctrl-C.',
  ].join('\n\n')
}

function grouped(options: OptionTable, row: (name: string, option: Option) => string) {
  const groups = new Map<string, string[]>()
  for (const [name, option] of Object.entries(options))
    getOrInsert(groups, option.group ?? 'Options', () => []).push(row(name, option))
  return groups
}

/** `--out FILE`, with its other names */
export function optionLabel(name: string, row: Option): string {
  const { type, placeholder = 'NAME' } = row
  const value = type === 'boolean' ? '' : type === 'array' ? ` ${placeholder}...` : ` ${placeholder}`
  return `${spellingsOf(name, row).join(', ')}${value}`
}

type HelpRow = Pick<Option, 'describe' | 'choices' | 'default' | 'demandOption'>

function optionText({ describe, choices, default: given, demandOption }: HelpRow): string {
  const standard = given !== false && given !== undefined && `default: ${[given].flat().join(' ')}`
  const facts = [demandOption && 'required', choices?.join(' | '), standard].filter(Boolean)
  return `${describe}${facts.length > 0 ? ` [${facts.join('; ')}]` : ''}`
}

/** Puts a text, broken between words, beside or below a label. */
function layOut(label: string, text: string, width: number, labelWidth = LABEL_WIDTH): string {
  const indent = ' '.repeat(labelWidth + 4)
  const start = label.length > labelWidth ? `  ${label}\n${indent}` : `  ${label.padEnd(labelWidth)}  `
  return start + wrap(text, width - indent.length).join(`\n${indent}`)
}

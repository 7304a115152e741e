import { SPLIT_DEFAULTS } from '../../pipeline/defaults.js'
import { VERSION } from '../../version.js'
import { commandLine } from '../command-line.js'
import { trainCommand } from '../commands/train.js'

/** One option in the file. */
export interface ConfigLine {
  readonly option: string
  /** Absent: the option is shown with its default, commented out. */
  readonly value?: string | number | boolean
  /** Default of an option whose table has none, because it depends on others. */
  readonly fallback?: string | number
  /** In place of what help says. */
  readonly note?: string
}

export interface ConfigSection {
  readonly title: string
  readonly lines: readonly ConfigLine[]
}

/** Options that are worth a look, with their defaults. */
export const SHOWN_DEFAULTS: readonly ConfigLine[] = [
  { option: 'metric' },
  { option: 'tune-budget' },
  { option: 'pseudo-queries' },
  { option: 'min-gain', fallback: 0 },
  { option: 'seed' },
  { option: 'engine' },
  { option: 'cache' },
]

export const SPLIT_LINES: readonly ConfigLine[] = [
  { option: 'test-fraction', fallback: SPLIT_DEFAULTS.testFraction },
  { option: 'split-by' },
]

const WIDTH = 118

/**
 * The text of a file of options for `train`: what is set, each with what it means, and some defaults as lines that begin with "#" and no
 * blank.
 *
 * @param path of the file, for its first lines
 */
export async function renderConfig(path: string, sections: readonly ConfigSection[]): Promise<string> {
  const { stringify } = await import('yaml')
  const scalar = (value: unknown): string => stringify(value, { lineWidth: 0 }).trim()
  const head = [
    `Options of "adapter-train train", written by adapter-train init ${VERSION}:`,
    '',
    `  ${commandLine(['train', '--config', path]).replace(/[\r\n]+/g, ' ')}`,
    '',
    'Each key is an option of that command (adapter-train train --help); the command line comes first. A line such as #seed: 42',
    'shows a default: remove the # to change it. Paths start where the command runs. Keys of services never belong here: they are',
    'read from the environment.',
  ]
  const lineOf = ({ option, value, fallback, note }: ConfigLine): string[] => {
    const { describe = '', default: standard } = trainCommand.options[option]
    const shown = value === undefined ? `#${option}: ${scalar(standard ?? fallback)}` : `${option}: ${scalar(value)}`
    return [...comment(note ?? describe), shown, '']
  }
  const lines = [
    ...head.map(line => (line === '' ? '#' : `# ${line}`)),
    '',
    ...sections.flatMap(section => [`# ${section.title}`, '', ...section.lines.flatMap(lineOf)]),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

/** Broken between words. */
function comment(text: string): string[] {
  const lines = ['#']
  for (const word of text.split(/\s+/)) {
    if (lines.at(-1)!.length + 1 + word.length > WIDTH) lines.push('#')
    lines[lines.length - 1] += ` ${word}`
  }
  return lines
}

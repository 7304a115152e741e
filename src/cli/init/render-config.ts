import { SPLIT_DEFAULTS } from '../../pipeline/defaults.js'
import { VERSION } from '../../version.js'
import { GOALS, type Goal } from '../commands/init.js'
import { trainCommand } from '../commands/train.js'
import { defaultOut } from '../options/data-files.js'
import { cacheOption, type ProviderArgs, providerOptions } from '../options/provider-options.js'
import { camel, wordsOfValue } from '../options/rows.js'
import { wrap } from '../output/style.js'
import { commandLine } from '../output/write-report.js'
import type { Setup } from './setup-text.js'

interface ConfigLine {
  readonly option: string
  /** Absent: the option is shown with its default, commented out. */
  readonly value?: string | number | boolean | object
  /** Default of an option without one in its table, because it depends on others. */
  readonly fallback?: string | number
  /** Replaces the help text. */
  readonly note?: string
}

type ConfigSection = { readonly title: string; readonly lines: readonly ConfigLine[] }

const SHOWN_DEFAULTS: readonly ConfigLine[] = [
  ...[{ option: 'metric' }, { option: 'tune-budget' }, { option: 'pseudo-queries' }],
  ...[{ option: 'min-gain', fallback: 0 }, { option: 'seed' }, { option: 'engine' }, { option: 'cache' }],
]
const SPLIT_LINES = [{ option: 'test-fraction', fallback: SPLIT_DEFAULTS.testFraction }, { option: 'split-by' }]

const WIDTH = 118

/** Renders a config file for `train`: the options set, each with its meaning, and some defaults commented out. */
export async function renderConfig(path: string, sections: readonly ConfigSection[]): Promise<string> {
  const { stringify } = await import('yaml')
  // Lists and fields stay on the line of their option.
  const scalar = (value: unknown): string =>
    stringify(typeof value === 'object' ? wordsOfValue(value) : value, { lineWidth: 0, collectionStyle: 'flow' }).trim()
  const head = [
    `Options of "adapter-train train", written by adapter-train init ${VERSION}:`,
    '',
    `  ${commandLine(['train', '--config', path]).replace(/[\r\n]+/g, ' ')}`,
    '',
    'Each key is an option of that command (adapter-train train --help); the command line overrides it. A line such as',
    '#seed: 42 shows a default: remove the # to change it. Paths are relative to the working folder. API keys never belong here: they',
    'are read from the environment.',
  ]
  const lineOf = ({ option, value, fallback, note }: ConfigLine): string[] => {
    const { describe, default: standard } = trainCommand.options[option]
    const shown = value === undefined ? `#${option}: ${scalar(standard ?? fallback)}` : `${option}: ${scalar(value)}`
    return [...wrap(note ?? describe, WIDTH - 2).map(line => `# ${line}`), shown, '']
  }
  const lines = [
    ...head.map(line => (line === '' ? '#' : `# ${line}`)),
    '',
    ...sections.flatMap(section => [`# ${section.title}`, '', ...section.lines.flatMap(lineOf)]),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

/** Report page, for the goals that have one. */
const REPORT = 'report.html'

export function configSections(setup: Setup): ConfigSection[] {
  const { data, base, goal } = setup
  const { title }: Goal = GOALS[goal]
  const { train, validation, test } = data.examined.counts
  const parts = Object.entries({ train, validation, test }).flatMap(([name, c]) => (c ? [`${name} ${c.queries}`] : []))
  return [
    { title: `Data: ${data.format}; queries: ${parts.join(', ')}.`, lines: dataLines(setup) },
    { title: 'Base: the model that embedded the documents of the index.', lines: baseLines(base.args) },
    { title: `Goal: ${title}.`, lines: goalLines(setup) },
    { title: 'Other options.', lines: SHOWN_DEFAULTS.map(line => (line.option === 'cache' ? cacheLine(base.args) : line)) },
    { title: 'Results.', lines: resultLines(setup) },
  ]
}

export function adapterPath({ base }: Setup): string {
  const { provider, name } = base.opened
  return defaultOut(provider?.id ?? `${name}/${base.args.model}`)
}

function dataLines({ data, kFold }: Setup): ConfigLine[] {
  const { train, val, test } = data.files
  return [
    { option: 'train', value: train, note: 'training set' },
    ...(val === undefined ? [] : [{ option: 'val', value: val, note: 'validation set, also used by the gate' }]),
    ...(test === undefined ? [] : [{ option: 'test', value: test, note: 'test set, used for measuring only' }]),
    ...(data.examined.loaded.skipped.length > 0 ? [{ option: 'skip-invalid', value: true }] : []),
    ...(test === undefined && kFold === undefined ? SPLIT_LINES : []),
    ...(kFold === undefined ? [] : [{ option: 'k-fold', value: kFold }]),
  ]
}

function baseLines(args: ProviderArgs): ConfigLine[] {
  const given = args as unknown as Readonly<Record<string, ConfigLine['value']>>
  return Object.keys(providerOptions).flatMap(option => {
    const value = given[camel(option)]
    return value === undefined || option === 'cache' ? [] : [{ option, value }]
  })
}

/** The cache has the vectors of the trial. */
function cacheLine({ cache }: ProviderArgs): ConfigLine {
  return { option: 'cache', ...(cache !== cacheOption.default && { value: cache }) }
}

function goalLines({ goal, dimensionsOut }: Setup): ConfigLine[] {
  const { kind }: Goal = GOALS[goal]
  return [
    { option: 'kind', value: kind },
    ...(dimensionsOut === undefined ? [] : [{ option: 'dimensions-out', value: dimensionsOut }]),
  ]
}

function resultLines(setup: Setup): ConfigLine[] {
  const { report }: Goal = GOALS[setup.goal]
  return [
    { option: 'out', value: adapterPath(setup), note: 'adapter file' },
    report ? { option: 'report', value: REPORT } : { option: 'report', fallback: REPORT },
  ]
}

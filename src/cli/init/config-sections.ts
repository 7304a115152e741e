import { defaultOut } from '../options/data-files.js'
import type { ProviderArgs } from '../options/provider-options.js'
import { providerOptions } from '../options/provider-options.js'
import { GOALS, type Goal } from './goals.js'
import { type ConfigLine, type ConfigSection, SHOWN_DEFAULTS, SPLIT_LINES } from './render-config.js'
import type { Setup } from './setup.js'

/** Page of the proof, with the goals that want one. */
const REPORT = 'report.html'

/** What the file of options holds. */
export function configSections(setup: Setup): ConfigSection[] {
  const { data, base, goal } = setup
  const { title }: Goal = GOALS[goal]
  const { train, validation, test } = data.examined.counts
  const parts = Object.entries({ train, validation, test }).flatMap(([name, c]) => (c ? [`${name} ${c.queries}`] : []))
  return [
    { title: `Data: ${data.format}; queries: ${parts.join(', ')}.`, lines: dataLines(setup) },
    { title: 'Base: the model that embedded the documents of the index.', lines: baseLines(base.args) },
    { title: `Goal: ${title}.`, lines: goalLines(setup) },
    { title: 'What may be changed.', lines: SHOWN_DEFAULTS },
    { title: 'Results.', lines: resultLines(setup) },
  ]
}

/** The adapter file that a run will write. */
export function adapterPath({ base }: Setup): string {
  const { provider, name } = base.opened
  return defaultOut(provider?.id ?? `${name}/${base.args.model}`)
}

function dataLines({ data, kFold }: Setup): ConfigLine[] {
  const { train, val, test } = data.files
  return [
    { option: 'train', value: train, note: 'training set' },
    ...(val === undefined ? [] : [{ option: 'val', value: val, note: 'validation set; the gate asks it too' }]),
    ...(test === undefined ? [] : [{ option: 'test', value: test, note: 'test set; it decides nothing' }]),
    ...(data.examined.loaded.skipped.length > 0 ? [{ option: 'skip-invalid', value: true }] : []),
    ...(test === undefined && kFold === undefined ? SPLIT_LINES : []),
    ...(kFold === undefined ? [] : [{ option: 'k-fold', value: kFold }]),
  ]
}

/** Options of the provider that were given, in the order of help. */
function baseLines(args: ProviderArgs): ConfigLine[] {
  const given = args as unknown as Readonly<Record<string, ConfigLine['value']>>
  return Object.keys(providerOptions).flatMap(option => {
    const value = given[option.replace(/-./g, ([, letter]) => letter.toUpperCase())]
    return value === undefined || option === 'cache' ? [] : [{ option, value }]
  })
}

function goalLines({ goal, dimensionsOut }: Setup): ConfigLine[] {
  const { kind }: Goal = GOALS[goal]
  return [
    kind === undefined ? { option: 'kind' } : { option: 'kind', value: kind },
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

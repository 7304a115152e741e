import { describe, expect, test } from 'vitest'
import { COMMAND_GROUPS } from '../../src/cli/command.js'
import { COMMAND_OPTIONS, COMMANDS } from '../../src/cli/commands/index.js'
import { COMMON_OPTIONS, helpText, optionLabel } from '../../src/cli/help.js'
import type { OptionTable } from '../../src/cli/options/rows.js'
import { PLAIN, styleFor } from '../../src/cli/output/style.js'
import { DEFAULT_METRICS } from '../../src/evaluate/metrics.js'
import { GENERATE_DEFAULTS } from '../../src/generate/defaults.js'
import { SPLIT_DEFAULTS, TUNE_BUDGET, TUNE_DEFAULT } from '../../src/pipeline/defaults.js'
import { SERVE_DEFAULTS } from '../../src/serve/options.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'

const names = Object.keys(COMMANDS)

describe('adapter-train --help', () => {
  test.each([80, 100])('fits one screen of %d columns', width => {
    const lines = helpText(undefined, width).split('\n')
    expect(lines.length).toBeLessThanOrEqual(54)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(Math.max(width, 82))
  })

  test('lists every command once, in its group, and says where the options of train are', () => {
    const text = helpText(undefined, 100)
    const groups = text.split('\n\n').filter(part => COMMAND_GROUPS.some(group => part.startsWith(`${group}\n`)))
    expect(groups).toHaveLength(COMMAND_GROUPS.length)
    const listed = groups.flatMap(part => [...part.matchAll(/^ {2}(\S+) {2}/gm)].map(match => match[1]))
    expect(listed.sort()).toEqual([...names].sort())
    expect(text).toContain('adapter-train train --help')
    expect(text).not.toContain('--learning-rate')
  })

  test('has bold titles where there are colours, and the same text', () => {
    const bold = helpText('train', 100, styleFor({}, true))
    expect(bold).toContain('\x1b[1mUsage:\x1b[22m adapter-train train')
    expect(bold).toContain('\x1b[1mExamples:\x1b[22m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is taken away
    expect(bold.replace(/\x1b\[\d+m/g, '')).toBe(helpText('train', 100, PLAIN))
  })
})

describe.each(names)('adapter-train %s --help', name => {
  const text = helpText(name, 100)
  const options: OptionTable = { ...COMMAND_OPTIONS[name], ...COMMON_OPTIONS }

  test('names every option with its default and its choices', () => {
    const flat = text.replace(/\s+/g, ' ')
    for (const [option, { describe: what, default: given, choices }] of Object.entries(options)) {
      expect(flat).toContain(` --${option}`)
      expect(what, `--${option} is described`).toBeTruthy()
      if (given !== undefined && given !== false) expect(flat).toContain(`default: ${[given].flat().join(' ')}`)
      if (choices) expect(flat).toContain(choices.join(' | '))
    }
  })

  test('says its purpose in one capitalised line of at most 70 characters', () => {
    expect(COMMANDS[name].describe).toMatch(/^[A-Z].{0,68}[^.]$/)
    expect(text.split('\n')[0]).toBe(`Usage: adapter-train ${COMMANDS[name].form} [options]`)
  })

  test('names what stands for a value, and never X', () => {
    expect(text).not.toMatch(/^ {2}-.* X\b/m)
    for (const [option, row] of Object.entries(options)) {
      expect(optionLabel(option, row), option).toMatch(row.type === 'boolean' ? /^[^A-Z]+$/ : / [A-Z,.=]+$/)
    }
  })

  test('has two examples or more, of options that exist', () => {
    const { examples } = COMMANDS[name]
    expect(examples.length).toBeGreaterThanOrEqual(2)
    for (const [words] of examples) {
      for (const [, option] of words.matchAll(/ --(?:no-)?([a-z-]+)/g)) expect(Object.keys(options)).toContain(option)
    }
  })

  test('has switches for what every command has', () => {
    expect('json' in options).toBe(name !== 'try')
    for (const option of ['quiet', 'verbose', 'color', 'config', 'help']) expect(options).toHaveProperty(option)
  })
})

test('defaults are those of the library', () => {
  const optionDefaults = (command: string) =>
    Object.fromEntries(Object.entries(COMMAND_OPTIONS[command]).map(([name, option]) => [name, option.default]))
  const D = TRAIN_DEFAULTS
  const common = { kind: D.kind, metric: D.metric, seed: D.seed, engine: D.engine }
  const tune = { tune: TUNE_DEFAULT, 'tune-budget': TUNE_BUDGET, 'split-by': SPLIT_DEFAULTS.splitBy }
  expect(optionDefaults('train')).toMatchObject({ ...common, ...tune })
  expect(optionDefaults('sweep')).toMatchObject({ metric: D.metric, seed: D.seed, engine: D.engine })
  expect(optionDefaults('sweep')['split-by']).toBe(SPLIT_DEFAULTS.splitBy)
  expect(optionDefaults('evaluate').metrics).toEqual(DEFAULT_METRICS)
  expect(optionDefaults('generate').seed).toBe(D.seed)
  expect(optionDefaults('import').seed).toBe(D.seed)
  expect(optionDefaults('serve')).toMatchObject({ host: SERVE_DEFAULTS.host, port: SERVE_DEFAULTS.port })

  const describes = (command: string, option: string) => String(COMMAND_OPTIONS[command][option].describe)
  // Those whose default depends on --tune are told in words: with the search, and without it.
  const told: [option: string, withSearch: unknown, without: unknown][] = [
    ['learning-rate', 0.01, D.learningRate],
    ['warmup', 0.05, D.warmup],
    ['weight-decay', 0, D.weightDecay],
    ['max-grad-norm', 0, D.maxGradNorm],
    ['schedule', 'cosine', D.schedule],
    ['patience', 0, D.patience],
    ['scale', 'selected', D.scale],
    ['pull', 'selected', D.pull],
    ['negatives', 'selected from positives and corpus', D.negatives],
    ['epochs', '20, or 10 above 5,000 queries', D.epochs],
    ['batch-size', '32, or 128 above 2,000 queries', D.batchSize],
  ]
  for (const [option, withSearch, without] of told) {
    expect(describes('train', option)).toContain(`(default: ${withSearch}; ${without} with --tune off)`)
  }
  expect(describes('train', 'max-negatives')).toContain(`default: ${D.maxNegatives})`)
  expect(describes('train', 'hard-negatives')).toContain(`default: ${D.hardNegatives})`)
  expect(describes('train', 'hard-margin')).toContain(`default: ${D.hardMargin})`)
  expect(describes('train', 'mine-every')).toContain(`default: ${D.mineEvery})`)
  expect(describes('train', 'test-fraction')).toContain(`default: ${SPLIT_DEFAULTS.testFraction})`)
  expect(describes('generate', 'concurrency')).toContain(`default: ${GENERATE_DEFAULTS.concurrency})`)
})

import { describe, expect, test } from 'vitest'
import type { Options } from 'yargs'
import { COMMAND_GROUPS } from '../../src/cli/command.js'
import { COMMAND_OPTIONS, COMMANDS } from '../../src/cli/commands/index.js'
import { COMMON_OPTIONS, helpText } from '../../src/cli/help.js'
import { PLAIN, styleFor } from '../../src/cli/output/style.js'
import { DEFAULT_METRICS } from '../../src/evaluate/metrics/index.js'
import { GENERATE_DEFAULTS } from '../../src/generate/defaults.js'
import { HARD_DEFAULTS } from '../../src/losses/hard.js'
import { MAX_NEGATIVES } from '../../src/losses/pooled.js'
import { SPLIT_DEFAULTS, TUNE_BUDGET, TUNE_DEFAULT } from '../../src/pipeline/defaults.js'
import { SERVE_DEFAULTS } from '../../src/serve/defaults.js'
import { TRAIN_DEFAULTS } from '../../src/train/defaults.js'
import { RECIPE } from '../../src/train/recipe.js'

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
    expect(bold).toContain('\x1b[1mExamples:\x1b[22m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is taken away
    expect(bold.replace(/\x1b\[\d+m/g, '')).toBe(helpText('train', 100, PLAIN))
  })
})

describe.each(names)('adapter-train %s --help', name => {
  const text = helpText(name, 100)
  const options: Record<string, Options> = { ...COMMAND_OPTIONS[name], ...COMMON_OPTIONS }

  test('names every option with its default and its choices', () => {
    const flat = text.replace(/\s+/g, ' ')
    for (const [option, { describe: what, default: given, choices }] of Object.entries(options)) {
      expect(flat).toContain(` --${option}`)
      expect(what, `--${option} is described`).toBeTruthy()
      if (given !== undefined && given !== false) expect(flat).toContain(`default: ${[given].flat().join(' ')}`)
      if (choices) expect(flat).toContain(choices.join(' | '))
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
  const common = { kind: D.kind, metric: D.metric, patience: D.patience, seed: D.seed, engine: D.engine }
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
    ['learning-rate', RECIPE.learningRate, D.learningRate],
    ['warmup', RECIPE.warmup, D.warmup],
    ['weight-decay', RECIPE.weightDecay, D.weightDecay],
    ['max-grad-norm', RECIPE.maxGradNorm, D.maxGradNorm],
    ['schedule', RECIPE.schedule, D.schedule],
    ['scale', 'chosen', D.scale],
    ['pull', 'chosen', D.pull],
    ['negatives', 'chosen', D.negatives],
    ['epochs', 'by data size', D.epochs],
    ['batch-size', 'by data size', D.batchSize],
  ]
  for (const [option, withSearch, without] of told) {
    expect(describes('train', option)).toContain(`(default: ${withSearch}; ${without} with --tune off)`)
  }
  expect(describes('train', 'max-negatives')).toContain(`default: ${MAX_NEGATIVES})`)
  expect(describes('train', 'hard-negatives')).toContain(`default: ${HARD_DEFAULTS.hardNegatives})`)
  expect(describes('train', 'hard-margin')).toContain(`default: ${HARD_DEFAULTS.hardMargin})`)
  expect(describes('train', 'test-fraction')).toContain(`default: ${SPLIT_DEFAULTS.testFraction})`)
  expect(describes('generate', 'concurrency')).toContain(`default: ${GENERATE_DEFAULTS.concurrency})`)
})

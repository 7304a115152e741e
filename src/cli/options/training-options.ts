import { ENGINE_CHOICES } from '../../engines/index.js'
import { KEEP_DEFAULT, REPLACE_DEFAULT, REPLACE_RULES, type ReplaceRule } from '../../pipeline/defaults.js'
import type { HyperParameters, OptionRow } from '../../train/options.js'
import { expectation, OPTION_NAMES, TRAIN_DEFAULTS, TRAINING_OPTIONS } from '../../train/options.js'
import { kebab } from '../../words.js'
import { memoryOption } from './dataset-options.js'
import { choice, file, flag, inGroup, integer, name, type Option } from './rows.js'

/** Default with `--tune auto` in words. */
function recipeWords(recipe: NonNullable<OptionRow['recipe']>, quote: (value: string | number) => string): string {
  if (typeof recipe !== 'object') return quote(recipe)
  if ('upTo' in recipe) {
    // Not by toLocaleString, whose first call takes a tenth of the time of help.
    const upTo = String(recipe.upTo).replace(/\B(?=(\d{3})+$)/g, ',')
    return `${recipe.value}, or ${recipe.above} above ${upTo} queries`
  }
  return typeof recipe.first === 'string' ? `selected from ${recipe.grid.map(quote).join(' and ')}` : 'selected'
}

function cliOption(row: OptionRow): Option {
  const { value, classic, recipe, fallback, needs, alias, help } = row
  const defaults = recipe === undefined ? fallback : `${recipeWords(recipe, String)}; ${classic} with --tune off`
  return {
    ...(alias && { alias }),
    ...(value.type === 'choice'
      ? { choices: value.choices }
      : {
          ...(value.type === 'text' ? { type: 'string' } : { type: 'number', placeholder: 'N' }),
          expect: (found: unknown) => expectation(row, found),
        }),
    ...(recipe === undefined && classic !== undefined && { default: classic }),
    describe: `${needs === 'hard' ? 'with --negatives hard: ' : ''}${help}${defaults === undefined ? '' : ` (default: ${defaults})`}`,
  }
}

const runOptions = {
  'dimensions-out': integer('number of leading document dimensions the index stores, if not all', { min: 1 }),
  engine: choice(ENGINE_CHOICES, 'compute engine', { default: TRAIN_DEFAULTS.engine }),
  'engine-device': name('device of the engine: part of the name of a WebGPU adapter, or gpu or cpu for tfjs'),
  memory: memoryOption,
}

/** Options of `train` for the hyperparameters, whose types are those of the library's table, and for the engine. */
export const trainingOptions: typeof runOptions = inGroup('Training', {
  ...Object.fromEntries(OPTION_NAMES.map(option => [kebab(option), cliOption(TRAINING_OPTIONS[option])])),
  ...runOptions,
})

/** Hyperparameters as parsed: those with one default are always there. */
export type HyperArgs = HyperParameters & Required<Pick<HyperParameters, 'kind' | 'metric' | 'seed'>>

/** Rows of the table of defaults in docs/training.md: option, default, default with `--tune off`. */
export const DEFAULT_ROWS: readonly (readonly string[])[] = OPTION_NAMES.flatMap(name => {
  const { classic, fallback, recipe }: OptionRow = TRAINING_OPTIONS[name]
  const off = classic ?? fallback
  const quote = (value: string | number): string => (typeof value === 'string' ? `\`${value}\`` : String(value))
  return off === undefined ? [] : [[`\`--${kebab(name)}\``, recipeWords(recipe ?? off, quote), quote(off)]]
})

export const longRunOptions = {
  checkpoint: file('checkpoint after every epoch, from which an interrupted run resumes; removed at the end'),
  'save-on-interrupt': flag('best adapter so far written to --out after Ctrl-C in training, marked; exit code 130'),
  log: file('training log (JSON Lines, appended)'),
}

export const replaceOptions = {
  replace: choice(
    Object.keys(REPLACE_RULES) as ReplaceRule[],
    'rule by which the new adapter replaces the one at --out, on held-out queries new to both',
    { default: REPLACE_DEFAULT },
  ),
  keep: integer('earlier versions kept beside the file; 0 for none', { min: 0, default: KEEP_DEFAULT }),
}

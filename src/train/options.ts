import { closedForm } from '../adapters/closed-forms/index.js'
import { ADAPTER_KIND_NAMES, adapterMap, trainedKind } from '../adapters/index.js'
import { usageError } from '../errors.js'
import { NEGATIVES, type NegativesName } from '../losses/index.js'
import { SCHEDULES, type ScheduleName } from './schedule.js'

export interface NumberRange {
  readonly min: number
  readonly max?: number
  /** Excludes `min` itself. */
  readonly above?: true
  readonly whole?: true
}
interface NumberValue extends NumberRange {
  readonly type: 'number'
}
type ChoiceValue<C extends string = string> = { readonly type: 'choice'; readonly choices: readonly C[] }
type TextValue = { readonly type: 'text' }

/** A default by the number of labelled training queries. */
type BySize = { readonly upTo: number; readonly value: number; readonly above: number }

/** Values from which cross-validation selects, and the one it starts from. */
type Searched = { readonly grid: readonly (number | string)[]; readonly first: number | string }

/** One training option. */
export interface OptionRow {
  readonly value: NumberValue | ChoiceValue | TextValue
  /** Default of `trainAdapter` and with `tune: 'off'`. */
  readonly classic?: number | string
  /** Default with `tune: 'auto'`, if it is another one. */
  readonly recipe?: number | string | BySize | Searched
  /** Default of an option that concerns some trainings only: an adapter file records the option only if it was given. */
  readonly fallback?: number
  /** What the option has no effect without: training by steps, mined negatives, a kind with a size. */
  readonly needs?: 'steps' | 'hard' | 'size'
  /** True if a sweep can vary it, and a search has to keep a given value. */
  readonly sweep?: true
  readonly alias?: string
  readonly help: string
}

const choice = <C extends string>(choices: readonly C[]): ChoiceValue<C> => ({ type: 'choice', choices })
const positive = { type: 'number', min: 0, above: true } as const
const notNegative = { type: 'number', min: 0 } as const
const share = { type: 'number', min: 0, max: 1 } as const
const count = { type: 'number', min: 1, whole: true } as const
const countOrNone = { type: 'number', min: 0, whole: true } as const
/** Options of training by steps, and of mined negatives. */
const step = { needs: 'steps', sweep: true } as const
const mined = { needs: 'hard', sweep: true } as const

/** The sizes of the kinds that have one, such as "rank of low-rank". */
const sizes = ADAPTER_KIND_NAMES.flatMap(name => {
  const size = closedForm(name) ? undefined : adapterMap(name).size
  return size ? [`${size.name} of ${name}`] : []
})

/**
 * The hyperparameters. Types, checks, command-line options, sweep grids, defaults, adapter files, checkpoints and the table in
 * docs/training.md derive from these rows; a new one is a row here and its use.
 */
export const TRAINING_OPTIONS = {
  kind: { value: choice<string>(ADAPTER_KIND_NAMES), classic: 'linear', sweep: true, help: 'adapter kind' },
  size: { value: count, needs: 'size', sweep: true, help: `largest size of the kind: ${sizes.join(', ')}` },
  negatives: {
    ...step,
    value: choice(Object.keys(NEGATIVES) as NegativesName[]),
    classic: 'in-batch',
    recipe: { grid: ['positives', 'corpus'], first: 'positives' },
    help: 'source of negatives',
  },
  maxNegatives: { ...step, value: count, fallback: 4096, help: 'documents in a pool of negatives before it is sampled' },
  hardNegatives: { ...mined, value: count, fallback: 8, help: 'mined documents per query' },
  hardMargin: { ...mined, value: notNegative, fallback: 0.05, help: "relative margin below the best positive's cosine" },
  mineEvery: { ...mined, value: count, fallback: 2, help: 'epochs between minings' },
  // Cross-validation selects a multiple of the scale that fits the unadapted embedding.
  scale: { ...step, value: positive, classic: 20, recipe: { grid: [2, 1], first: 2 }, help: 'logit scale s = 1/temperature' },
  pull: {
    value: notNegative,
    classic: 0,
    recipe: { grid: [1000, 300, 100, 30, 10, 3, 1], first: 100 },
    sweep: true,
    help: 'regularisation strength c toward the identity; 0 for none',
  },
  epochs: {
    ...step,
    value: count,
    classic: 4,
    recipe: { upTo: 5000, value: 20, above: 10 },
    help: 'passes over the training pairs',
  },
  batchSize: { ...step, value: count, classic: 128, recipe: { upTo: 2000, value: 32, above: 128 }, help: 'pairs per step' },
  learningRate: { ...step, value: positive, classic: 1e-3, recipe: 0.01, alias: 'lr', help: 'peak learning rate' },
  schedule: {
    ...step,
    value: choice(Object.keys(SCHEDULES) as ScheduleName[]),
    classic: 'linear',
    recipe: 'cosine',
    help: 'learning-rate decay',
  },
  warmup: { ...step, value: share, classic: 0.1, recipe: 0.05, help: 'share of the steps in which the rate rises' },
  weightDecay: { ...step, value: notNegative, classic: 0.01, recipe: 0, help: 'decoupled decay toward the identity' },
  maxGradNorm: { ...step, value: notNegative, classic: 1, recipe: 0, help: 'largest gradient norm; 0 for no clipping' },
  metric: { value: { type: 'text' }, classic: 'ndcg@10', help: 'metric of the search, the best epoch and the gate' },
  patience: {
    value: countOrNone,
    classic: 5,
    recipe: 0,
    help: 'with --tune off: epochs without a gain on the validation split before training stops; 0 for never',
  },
  seed: { value: countOrNone, classic: 42, help: 'seed of every random choice' },
} as const satisfies Record<string, OptionRow>

type Table = typeof TRAINING_OPTIONS
/** Name of a training option. */
export type OptionName = keyof Table
type NamesWith<F> = { [N in OptionName]: Table[N] extends F ? N : never }[OptionName]
type ValueOf<V> = V extends ChoiceValue<infer C> ? C : V extends TextValue ? string : number
type SweptName = NamesWith<{ readonly sweep: true }>
type DefaultedName = NamesWith<{ readonly classic: unknown } | { readonly fallback: unknown }>
/** Training options; one that is left out has its default. */
export type HyperParameters = { readonly [N in OptionName]?: ValueOf<Table[N]['value']> }
/** Training options with the defaults of `trainAdapter` filled in. */
export type ResolvedOptions = HyperParameters & Required<Pick<HyperParameters, DefaultedName>>
/** Options that a user has set and a search must leave alone. */
export type FixedOptions = Pick<HyperParameters, SweptName>
/** Values to try, by option. */
export type Grid = { readonly [N in SweptName]?: readonly NonNullable<HyperParameters[N]>[] }
type RecipeOptions = FixedOptions & Required<Pick<FixedOptions, NamesWith<{ sweep: true; classic: unknown }>>>

const ROWS: Readonly<Record<OptionName, OptionRow>> = TRAINING_OPTIONS
export const OPTION_NAMES = Object.keys(TRAINING_OPTIONS) as OptionName[]
export const SWEPT_NAMES = OPTION_NAMES.filter((name): name is SweptName => ROWS[name].sweep === true)

function each(read: (name: OptionName) => unknown): HyperParameters {
  const values = OPTION_NAMES.map(name => [name, read(name)] as const)
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}

/** Defaults of `trainAdapter` and with `tune: 'off'`, and the engine: `auto` selects one. */
export const TRAIN_DEFAULTS = {
  ...(each(name => ROWS[name].classic ?? ROWS[name].fallback) as Required<Pick<HyperParameters, DefaultedName>>),
  engine: 'auto',
} as const

/** Picks the training options that have a value from among other options. */
export const pickOptions = (options: HyperParameters): HyperParameters => each(name => options[name])

/** Fills in the defaults of `trainAdapter`. */
export function withDefaults(options: HyperParameters): ResolvedOptions {
  return each(name => options[name] ?? TRAIN_DEFAULTS[name as DefaultedName]) as ResolvedOptions
}

/** Fills in the recipe's defaults for a number of labelled training queries; of values that are searched, the first. */
export function withRecipe(given: FixedOptions, queries: number): RecipeOptions {
  return each(name => {
    const { classic, recipe = classic, sweep } = ROWS[name]
    if (!sweep) return undefined
    if (given[name as SweptName] !== undefined) return given[name as SweptName]
    if (typeof recipe !== 'object') return recipe
    if ('grid' in recipe) return recipe.first
    return queries <= recipe.upTo ? recipe.value : recipe.above
  }) as RecipeOptions
}

/** Lists the options as an adapter file records them. */
export function recorded(options: HyperParameters): Readonly<Record<string, number | string>> {
  return each(name => options[name] ?? ROWS[name].classic) as Record<string, number | string>
}

/** Names what a row expects instead of a value, such as "a number above 0"; `undefined` if the value is right. */
export function expectation({ value }: Pick<OptionRow, 'value'>, found: unknown): string | undefined {
  if (value.type === 'text') return typeof found === 'string' && found !== '' ? undefined : 'a non-empty text'
  if (value.type === 'number') return rangeProblem(value, found)
  return value.choices.includes(found as string) ? undefined : `one of ${value.choices.join(', ')}`
}

/** Names what a range expects instead of a value; `undefined` if the value is in it. */
export function rangeProblem({ min, max, above, whole }: NumberRange, found: unknown): string | undefined {
  const isNumber = typeof found === 'number' && (whole ? Number.isSafeInteger(found) : Number.isFinite(found))
  if (isNumber && (above ? found > min : found >= min) && (max === undefined || found <= max)) return undefined
  const most = max === undefined ? '' : ` and at most ${max}`
  return `a ${whole ? 'whole ' : ''}number ${above ? 'above' : 'of at least'} ${min}${most}`
}

/** @throws USAGE if an option that is given has a value out of its range, naming it */
export function checkOptions(options: HyperParameters & { readonly memory?: number }): void {
  for (const [name, row] of Object.entries({ ...ROWS, memory: { value: positive } })) {
    const found = options[name as OptionName]
    const expected = found === undefined ? undefined : expectation(row, found)
    if (expected) throw usageError(`training option "${name}": expected ${expected}, found ${found}`)
  }
}

/** Lists all combinations once, the last option varying fastest, without options of no effect. */
export function expandGrid(grid: Grid): FixedOptions[] {
  let points: FixedOptions[] = [{}]
  for (const [name, values] of Object.entries(grid)) {
    points = points.flatMap(point => values.map(value => ({ ...point, [name]: value })))
  }
  const effective = points.map(point =>
    Object.fromEntries(Object.entries(point).filter(([name]) => hasEffect(name as SweptName, withRecipe(point, 0)))),
  )
  return [...new Map(effective.map(point => [JSON.stringify(point), point])).values()]
}

/** False for an option that does nothing with this kind and these negatives. */
export function hasEffect(name: OptionName, { kind, negatives }: Pick<RecipeOptions, 'kind' | 'negatives'>): boolean {
  const { needs } = ROWS[name]
  if (needs === 'size') return trainedKind(kind).size !== undefined
  return needs === undefined || (!closedForm(kind) && (needs === 'steps' || negatives === 'hard'))
}

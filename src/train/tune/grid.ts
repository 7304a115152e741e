import { closedForm } from '../../adapters/closed-forms/index.js'
import { trainedKind } from '../../adapters/index.js'
import { RECIPE } from '../recipe.js'
import type { FixedOptions } from './candidate.js'

/** Options that a sweep can vary; those that are not varied have the recipe's values. */
export const GRID_OPTIONS = [
  ...([
    'kind',
    'size',
    'negatives',
    'maxNegatives',
    'hardNegatives',
    'hardMargin',
    'mineEvery',
    'scale',
    'pull',
  ] as const),
  ...(['epochs', 'batchSize', 'learningRate', 'schedule', 'warmup', 'weightDecay', 'maxGradNorm'] as const),
] satisfies readonly (keyof FixedOptions)[]

export type GridOption = (typeof GRID_OPTIONS)[number]

/** Values to try, by option. */
export type Grid = { readonly [name in GridOption]?: readonly NonNullable<FixedOptions[name]>[] }

/**
 * All combinations, the last option varying fastest. What means nothing to a combination (a size to a kind without one, anything
 * but the pull to a closed form, mining options without mined negatives) is left out of it, and equal combinations are one.
 */
export function expandGrid(grid: Grid): FixedOptions[] {
  let points: FixedOptions[] = [{}]
  for (const [name, values] of Object.entries(grid)) {
    points = points.flatMap(point => values.map(value => ({ ...point, [name]: value })))
  }
  const distinct = new Map(points.map(meaningful).map(point => [JSON.stringify(point), point]))
  return [...distinct.values()]
}

function meaningful(point: FixedOptions): FixedOptions {
  const { kind = 'linear', negatives = RECIPE.negatives[0] } = point
  const without = [
    ...(trainedKind(kind).size ? [] : ['size']),
    ...(negatives === 'hard' ? [] : ['hardNegatives', 'hardMargin', 'mineEvery']),
    ...(closedForm(kind) ? GRID_OPTIONS.filter(name => name !== 'kind' && name !== 'pull') : []),
  ]
  return Object.fromEntries(Object.entries(point).filter(([name]) => !without.includes(name)))
}

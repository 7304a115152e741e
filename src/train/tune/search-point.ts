import { type FixedOptions, type ResolvedOptions, withRecipe } from '../options.js'

/** One point of the search. */
export interface SearchPoint extends Pick<ResolvedOptions, 'negatives' | 'pull'> {
  /** Scale in units of the fitted one. */
  readonly multiple: number
  /** True if pseudo-queries are trained on too. */
  readonly pseudo?: true
}

/** Resolves the training options of a point of the search. `queries`: labelled training queries. */
export function resolve(
  given: FixedOptions,
  { negatives, multiple, pull }: SearchPoint,
  queries: number,
  { fittedScale, seed }: { readonly fittedScale: number; readonly seed: number },
) {
  const scale = given.scale ?? fittedScale * multiple
  return { ...withRecipe(given, queries), negatives, scale, pull, seed, patience: 0, keep: 'last' as const }
}

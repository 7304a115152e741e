import type { Weights } from '../../adapters/kind.js'
import { type EmbeddedDataset, labelledRows } from '../../embed/embedded-dataset.js'
import { getOrInsert } from '../../maps.js'
import { type Rows, rowRange } from '../../math/row-source.js'
import { mean, populationStandardDeviation } from '../../math/statistics/moments.js'
import { RECIPE } from '../recipe.js'
import { trainWeights } from '../trainer.js'
import type { CrossValidation } from '../tune/fold-runner.js'
import { documentGroups, groupFolds } from '../tune/folds.js'
import { withQueries } from '../tune/sample.js'
import type { Search } from '../tune/search.js'
import { resolve, type SearchPoint } from '../tune/search-point.js'
import { type Memory, type MemoryScores, type MemorySetting, memoryScores, rememberQueries } from './memory.js'

/** Settings from which cross-validation selects, besides no memory. */
export const MEMORY_SETTINGS: readonly MemorySetting[] = [0.2, 0.5, 1].flatMap(beta => [-1, 0].map(z0 => ({ beta, z0 })))

/** Dimensions above which {@link memoryHint} does not look: a memory never paid there. */
const HINT_DIMENSIONS = 512
/** Most queries it remembers. */
const HINT_REMEMBERED = 4_000
/** Queries it scores. */
const HINT_QUERIES = 240

/** Result of cross-validation for a memory. */
export interface MemoryChoice {
  /** Best setting; absent if it does not beat no memory by more than a standard error. */
  readonly setting?: MemorySetting
  /** True if it is put on the unadapted query instead of the adapted one. */
  readonly onIdentity: boolean
  /** Gain of the best setting over no memory, mean of a split by query and one by document, and its standard error. */
  readonly gain: number
  readonly standardError: number
  /** Out-of-fold metric of every query of the search's sample with the best setting, split by query, and with the others. */
  readonly scores: Float64Array
  readonly others: readonly Float64Array[]
}

/**
 * Decides whether a memory of the training queries is put on a point's linear map, and how much it counts.
 *
 * Every setting is scored twice per query of the search's sample, by a map trained without it and a memory of all training queries:
 * once the memory forgets the query itself, and once map and memory know none of its documents. The best mean of both has to beat
 * no memory by more than one paired standard error.
 * @param options `proven`: true if the linear map passes the gate without a memory; if not, a memory has to beat the unadapted
 * queries and is tried on them too
 */
export async function chooseMemory(
  search: Search,
  point: SearchPoint,
  training: EmbeddedDataset<Rows>,
  { most, proven }: { readonly most: number; readonly proven: boolean },
): Promise<MemoryChoice> {
  const memory = await rememberQueries(search.engine, training, { most, seed: search.seed })
  if (!memory) return { onIdentity: false, gain: 0, standardError: 0, scores: new Float64Array(), others: [] }
  const { byQuery, byDocument, single, groups } = hiddenKeys(search, training, memory)
  const folds = groupFolds(groups.ofSample, search.parts.length, search.seed)
  const queryFits = await heldOutFits(search, point, training, single, search.folds)
  const documentFits = async () =>
    // If shared documents tie all queries together, nothing can be held out: the map then knows the documents.
    new Set(folds).size > 1 ? heldOutFits(search, point, training, groups, folds) : queryFits
  const base = proven ? undefined : await search.base()

  async function on(onIdentity: boolean): Promise<MemoryChoice> {
    const scores = async (fits: CrossValidation['fits'], hidden: readonly Uint32Array[]): Promise<MemoryScores> => {
      const found = await scoresOf(search, fits, memory!, { hidden, onIdentity })
      return base ? { ...found, without: base } : found
    }
    const first = await scores(queryFits, byQuery)
    const atFirst = best(first, first)
    const second = atFirst.setting && (await scores(onIdentity ? queryFits : await documentFits(), byDocument))
    return { ...(second ? best(first, second) : atFirst), onIdentity }
  }

  const linear = await on(false)
  if (proven) return linear
  const identity = await on(true)
  const [chosen, other] = identity.setting && !(linear.gain >= identity.gain) ? [identity, linear] : [linear, identity]
  return { ...chosen, others: [...chosen.others, other.scores, ...other.others] }
}

/** Estimates the gain of a memory on part of the sample, without training on folds by document. */
export async function memoryHint(search: Search, point: SearchPoint, training: EmbeddedDataset<Rows>) {
  if (training.queries.cols > HINT_DIMENSIONS) return undefined
  const memory = await rememberQueries(search.engine, training, { most: HINT_REMEMBERED, seed: search.seed })
  if (!memory) return undefined
  const all = await search.fits(point)
  const each = Math.ceil(HINT_QUERIES / all.length)
  const fits = all.map(fit => ({ ...fit, inside: fit.inside.subarray(0, each) }))
  const rows = fits.flatMap(({ inside }) => [...inside])
  const hidden = hiddenKeys(search, training, memory)
  const first = await scoresOf(search, fits, memory, { hidden: hidden.byQuery })
  if (!best(first, first, rows).setting) return undefined
  const { setting, gain } = best(first, await scoresOf(search, fits, memory, { hidden: hidden.byDocument }), rows)
  return setting && gain
}

function scoresOf(
  { engine, sample, metric }: Search,
  fits: CrossValidation['fits'],
  memory: Memory,
  options: { readonly onIdentity?: boolean; readonly hidden: readonly Uint32Array[] },
): Promise<MemoryScores> {
  return memoryScores(engine, sample, fits, memory, MEMORY_SETTINGS, { metric, ...options })
}

/** Group of every training query, and of every query of the sample; what is held out for a query is its group. */
interface Groups {
  readonly ofTraining: Uint32Array
  readonly ofSample: Uint32Array
}

/** Lists the keys hidden from each query of the sample; groups of one query, and groups of queries that share documents. */
function hiddenKeys({ sample }: Search, training: EmbeddedDataset<Rows>, { keyOf }: Memory) {
  const rowOf = new Map(training.queryIds.map((id, i) => [id, i]))
  const rows = Uint32Array.from(sample.queryIds, id => rowOf.get(id)!)
  const groups = documentGroups(training)
  const keySets = new Map<number, Set<number>>()
  for (const [i, group] of groups.entries()) if (keyOf[i] >= 0) getOrInsert(keySets, group, () => new Set()).add(keyOf[i])
  const keys = new Map(Array.from(keySets, ([group, set]) => [group, Uint32Array.from(set)]))
  return {
    single: { ofTraining: rowRange(0, training.queries.rows), ofSample: rows },
    groups: { ofTraining: groups, ofSample: rows.map(i => groups[i]) },
    byQuery: Array.from(rows, i => (keyOf[i] < 0 ? new Uint32Array() : Uint32Array.of(keyOf[i]))),
    byDocument: Array.from(rows, i => keys.get(groups[i]) ?? new Uint32Array()),
  }
}

/** Selects the setting with the best mean of both gains over the given queries. */
function best(byQuery: MemoryScores, byDocument: MemoryScores, rows: Iterable<number> = byQuery.without.keys()) {
  const scored = [...rows]
  const deltas = MEMORY_SETTINGS.map((_, s) =>
    scored.map(i => [byQuery, byDocument].reduce((sum, { withMemory, without }) => sum + (withMemory[s][i] - without[i]) / 2, 0)),
  )
  const gains = deltas.map(mean)
  const chosen = gains.indexOf(Math.max(...gains))
  const gain = gains[chosen]
  const standardError = populationStandardDeviation(deltas[chosen]) / Math.sqrt(scored.length)
  return {
    ...(gain > RECIPE.standardErrors * standardError && { setting: MEMORY_SETTINGS[chosen] }),
    gain,
    standardError,
    scores: byQuery.withMemory[chosen],
    others: byQuery.withMemory.filter((_, s) => s !== chosen),
  }
}

/** Share of the training queries in the sample from which the search's own folds are enough. */
const ENOUGH = 2 / 3
/** Else: folds of the sample, with maps trained on all other training queries, and the share of the usual epochs. */
const FOLDS = 2
const EPOCHS = 0.5

/**
 * Trains maps without the queries of the sample they are scored on. If the sample is a small part of the training queries, on all
 * the others: a map of few queries would make any memory of many look good.
 * @param folds fold of every query of the sample
 */
async function heldOutFits(
  search: Search,
  point: SearchPoint,
  training: EmbeddedDataset<Rows>,
  groups: Groups,
  folds: Uint32Array,
): Promise<CrossValidation['fits']> {
  const { engine, sample, fixed, signal } = search
  const labelled = labelledRows(training)
  if (sample.queries.rows >= ENOUGH * labelled.length)
    return folds === search.folds ? search.fits(point) : (await search.crossValidate(point, folds)).fits
  const fits: { inside: Uint32Array; outside: Uint32Array; weights: Weights }[] = []
  for (let fold = 0; fold < FOLDS; fold++) {
    const inside = Uint32Array.from(folds.keys()).filter(i => folds[i] % FOLDS === fold)
    if (inside.length === 0) continue
    const left = new Set(Array.from(inside, i => groups.ofSample[i]))
    const outside = labelled.filter(row => !left.has(groups.ofTraining[row]))
    const part = withQueries(training, outside)
    const options = resolve(fixed, point, part.queries.rows, search)
    const epochs = Math.ceil(EPOCHS * options.epochs)
    fits.push({ inside, outside, weights: await trainWeights(engine, part, { ...options, epochs, signal }) })
  }
  return fits
}

import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import type { Rows } from '../../math/row-source.js'
import { mean, populationStandardDeviation } from '../../math/statistics/moments.js'
import { RECIPE } from '../recipe.js'
import type { Candidate } from '../tune/candidate.js'
import type { CrossValidation } from '../tune/cross-validate.js'
import { documentGroups, groupFolds } from '../tune/folds.js'
import type { Search } from '../tune/search.js'
import { heldOutFits } from './held-out-fits.js'
import { type Memory, rememberQueries } from './memory.js'
import { type MemoryScores, type MemorySetting, memoryScores } from './memory-scores.js'

/** Settings of a memory that cross-validation chooses from, beside none at all. */
export const MEMORY_SETTINGS: readonly MemorySetting[] = [0.2, 0.5, 1].flatMap(beta =>
  [-1, 0].map(z0 => ({ beta, z0 })),
)

/** Dimensions above which {@link memoryHint} does not look: a memory was never worth it there. */
const HINT_DIMENSIONS = 512
/** Queries that it remembers at most. */
const HINT_REMEMBERED = 4_000
/** Queries that are enough for it. */
const HINT_QUERIES = 240

/** What cross-validation says of a memory. */
export interface MemoryChoice {
  /** The best setting; absent where it does not beat no memory by more than a standard error. */
  readonly setting?: MemorySetting
  /** Whether it is put on the unadapted query instead of the adapted one. */
  readonly onIdentity: boolean
  /** Gain of the best setting over no memory, mean of a split by query and one by document, and its standard error. */
  readonly gain: number
  readonly standardError: number
  /** Out-of-fold metric of every query of the search's sample with the best setting, split by query, and with the others. */
  readonly scores: Float64Array
  readonly others: readonly Float64Array[]
}

export interface ChooseMemoryOptions {
  /** Queries that are remembered at most. */
  readonly most: number
  /**
   * Whether the linear map would be kept without a memory. If not, a memory has to beat the unadapted queries, and is tried on these
   * as well.
   */
  readonly proven: boolean
}

/**
 * Chooses whether a memory of the training queries is put on a candidate's linear map, and how much it counts.
 *
 * Every setting is scored twice for each query of the search's sample, by a map that was trained without it and a memory of all
 * training queries: once the memory forgets the query itself, and once, where map and memory know none of its documents, all
 * queries that share some. The best mean of both has to beat no memory by more than one paired standard error.
 *
 * @param training the whole training part
 */
export async function chooseMemory(
  search: Search,
  candidate: Candidate,
  training: EmbeddedDataset<Rows>,
  { most, proven }: ChooseMemoryOptions,
): Promise<MemoryChoice> {
  const memory = await rememberQueries(search.engine, training, { most, seed: search.seed })
  if (!memory) return { onIdentity: false, gain: 0, standardError: 0, scores: new Float64Array(), others: [] }
  const { byQuery, byDocument, groups } = hiddenKeys(search, training, memory)
  const folds = groupFolds(groups.ofSample, new Set(search.folds).size, search.seed)
  const queryFits = await heldOutFits(search, candidate, training)
  const documentFits = async () =>
    // Where all queries are tied together by their documents there is nothing to hold out: the map then knows the documents.
    new Set(folds).size > 1 ? heldOutFits(search, candidate, training, { groups, folds }) : queryFits
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

/**
 * What a memory would add, by a quick look: on one fold where that is large enough, and without training on folds by document.
 * @returns the gain over no memory where it is more than a standard error
 */
export async function memoryHint(
  search: Search,
  candidate: Candidate,
  training: EmbeddedDataset<Rows>,
): Promise<number | undefined> {
  if (training.queries.cols > HINT_DIMENSIONS) return undefined
  const memory = await rememberQueries(search.engine, training, { most: HINT_REMEMBERED, seed: search.seed })
  if (!memory) return undefined
  const all = await search.fits(candidate)
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

/** Keys that each query of the sample must not see, and the groups of queries that are tied together by documents. */
function hiddenKeys({ sample }: Search, training: EmbeddedDataset<Rows>, { keyOf }: Memory) {
  const rowOf = new Map(training.queryIds.map((id, i) => [id, i]))
  const rows = Uint32Array.from(sample.queryIds, id => rowOf.get(id)!)
  const groups = documentGroups(training)
  const keySets = new Map<number, Set<number>>()
  groups.forEach((group, i) => {
    if (keyOf[i] < 0) return
    const known = keySets.get(group)
    if (known) known.add(keyOf[i])
    else keySets.set(group, new Set([keyOf[i]]))
  })
  const keys = new Map(Array.from(keySets, ([group, set]) => [group, Uint32Array.from(set)]))
  return {
    groups: { ofTraining: groups, ofSample: rows.map(i => groups[i]) },
    byQuery: Array.from(rows, i => (keyOf[i] < 0 ? new Uint32Array() : Uint32Array.of(keyOf[i]))),
    byDocument: Array.from(rows, i => keys.get(groups[i]) ?? new Uint32Array()),
  }
}

/** The setting with the best mean of both gains over the given queries, all by default. */
function best(
  byQuery: MemoryScores,
  byDocument: MemoryScores,
  rows: Iterable<number> = byQuery.without.keys(),
): Pick<MemoryChoice, 'setting' | 'gain' | 'standardError' | 'scores' | 'others'> {
  const scored = [...rows]
  const deltas = MEMORY_SETTINGS.map((_, s) =>
    scored.map(i =>
      [byQuery, byDocument].reduce((sum, { withMemory, without }) => sum + (withMemory[s][i] - without[i]) / 2, 0),
    ),
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

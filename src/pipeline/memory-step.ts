import type { Adapter } from '../adapters/adapter.js'
import { linear } from '../adapters/linear.js'
import { linearMemory } from '../adapters/linear-memory.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import type { Rows } from '../math/row-source.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { identityWeights } from '../train/parameters.js'
import { chooseMemory, type MemoryChoice, memoryHint } from '../train/query-memory/choose-memory.js'
import { memoryWeights, rememberQueries } from '../train/query-memory/memory.js'
import type { TrainOptions } from '../train/train-adapter.js'
import type { Search } from '../train/tune/search.js'
import type { TuneResult } from '../train/tune/tune.js'
import { adapterTime } from './query-time.js'

export const MEMORY_KIND = linearMemory.name
const MOST = linearMemory.size!.default
/** Gain of a memory that is worth reporting. */
const LEAST_HINT = 0.005

/** Choice and cost of the memory. */
export interface MemoryReport {
  /** True if the adapter has a memory; without one it is plain `linear`. */
  readonly chosen: boolean
  /** Gain of the best setting over none, mean of an out-of-fold split by query and one by document, and its standard error. */
  readonly gain: number
  readonly standardError: number
  readonly beta?: number
  readonly z0?: number
  /** True if the memory is added to the unadapted query, because the gate rejects the linear map. */
  readonly onIdentity?: boolean
  /** Remembered queries. */
  readonly queries?: number
  /** Distinct training queries. */
  readonly distinct?: number
  /** Bytes of all weights as float32; a JSON file takes a third more. */
  readonly bytes?: number
  /** Per query. */
  readonly multiplyAdds?: number
  /** Per query on this machine, median. */
  readonly microseconds?: number
}

/** Decision on a memory or, for the kind `linear`, the gain one would add. */
export interface MemoryDecision {
  readonly choice?: MemoryChoice
  readonly hint?: number
  /** Result of the search with the out-of-fold scores for the gate. */
  readonly tuned: TuneResult
}

/** Decides by cross-validation on a memory, on the unadapted query if the gate would reject the linear map. */
export async function decideMemory(
  search: Search,
  found: TuneResult,
  training: EmbeddedDataset<Rows>,
  { kind = TRAIN_DEFAULTS.kind, size = MOST }: Pick<TrainOptions, 'kind' | 'size'>,
  { proven, gated, spare }: { readonly proven: boolean; readonly gated: boolean; readonly spare: boolean },
): Promise<MemoryDecision> {
  if (kind === TRAIN_DEFAULTS.kind) {
    const hint = proven && spare ? await memoryHint(search, found.chosen, training) : undefined
    return { tuned: found, ...(hint !== undefined && hint >= LEAST_HINT && { hint }) }
  }
  if (kind !== MEMORY_KIND) return { tuned: found }
  const choice = await chooseMemory(search, found.chosen, training, { most: size, proven: proven || !gated })
  if (!choice.setting) return { choice, tuned: found }
  const others = [...found.others, found.adapted, ...choice.others]
  return { choice, tuned: { ...found, adapted: choice.scores, others } }
}

/** Adds the chosen memory of the training queries, if any, to a trained linear adapter. */
export async function addMemory(
  engine: Engine,
  train: EmbeddedDataset<Rows>,
  adapter: Adapter,
  { setting, gain, standardError, onIdentity }: MemoryChoice,
  { size = MOST, seed = TRAIN_DEFAULTS.seed }: Pick<TrainOptions, 'size' | 'seed'>,
): Promise<{ adapter: Adapter; report: MemoryReport }> {
  const memory = setting && (await rememberQueries(engine, train, { most: size, seed }))
  if (!memory) return { adapter, report: { chosen: false, gain, standardError } }
  const map = onIdentity ? identityWeights(linear, train.queries.cols, undefined, train.docs.cols) : adapter.params
  const params = memoryWeights(map, memory, setting)
  const whole: Adapter = { ...adapter, kind: MEMORY_KIND, params }
  const numbers = Object.values(params).reduce((sum, { data }) => sum + data.length, 0)
  return {
    adapter: whole,
    report: {
      chosen: true,
      gain,
      standardError,
      ...setting,
      onIdentity,
      queries: memory.keys.rows,
      distinct: memory.distinct,
      bytes: 4 * numbers,
      multiplyAdds: map.W.data.length + memory.keys.data.length + memory.values.data.length,
      microseconds: Math.round(1e4 * adapterTime(whole, train)) / 10,
    },
  }
}

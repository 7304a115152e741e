import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import { linear } from '../adapters/linear.js'
import { linearMemory } from '../adapters/linear-memory.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { row } from '../math/matrix.js'
import { gatherRows, type Rows, rowRange } from '../math/row-source.js'
import { quantile } from '../math/statistics/quantile.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { chooseMemory, type MemoryChoice, memoryHint } from '../train/memory/choose-memory.js'
import { memoryWeights, rememberQueries } from '../train/memory/memory.js'
import { identityWeights } from '../train/parameters.js'
import type { TrainOptions } from '../train/train-adapter.js'
import type { Search } from '../train/tune/search.js'
import type { TuneResult } from '../train/tune/tune.js'

/** Name of the kind whose memory is decided here. */
export const MEMORY_KIND = linearMemory.name

/** Queries that are remembered at most, by default. */
const MOST = linearMemory.size!.default
/** A gain of a memory that is worth a word. */
const LEAST_HINT = 0.005
/** How long the cost of a query is measured, and on how many queries. */
const TIMING_MS = 50
const TIMED_QUERIES = 64

/** What became of the memory, and what it costs. */
export interface MemoryReport {
  /** Whether the adapter has one; without, it is plain `linear`. */
  readonly chosen: boolean
  /** Gain of the best setting over none, mean of an out-of-fold split by query and one by document, and its standard error. */
  readonly gain: number
  readonly standardError: number
  readonly beta?: number
  readonly z0?: number
  /** Whether it stands beside the unadapted query, because the linear map is not proven. */
  readonly onIdentity?: boolean
  /** Remembered queries, of so many distinct training queries. */
  readonly queries?: number
  readonly distinct?: number
  /** Of all weights as float32; a JSON file takes a third more. */
  readonly bytes?: number
  /** Of one query. */
  readonly multiplyAdds?: number
  /** Of one query on this machine, median. */
  readonly microseconds?: number
}

/** Whether the adapter gets a memory; or, for the kind `linear`, what one would add. */
export interface MemoryDecision {
  readonly choice?: MemoryChoice
  readonly hint?: number
  /** The search's result with the out-of-fold scores that the gate is to judge. */
  readonly tuned: TuneResult
}

/**
 * Decides by cross-validation about a memory on top of the chosen candidate. Where the gate would hold back the linear map, the
 * memory is tried on the unadapted query.
 *
 * @param proven whether the gate would keep the chosen candidate
 */
export async function decideMemory(
  search: Search,
  found: TuneResult,
  training: EmbeddedDataset<Rows>,
  { kind = TRAIN_DEFAULTS.kind, size = MOST }: Pick<TrainOptions, 'kind' | 'size'>,
  { proven, gated }: { readonly proven: boolean; readonly gated: boolean },
): Promise<MemoryDecision> {
  if (kind === TRAIN_DEFAULTS.kind) {
    const hint = proven ? await memoryHint(search, found.chosen, training) : undefined
    return { tuned: found, ...(hint !== undefined && hint >= LEAST_HINT && { hint }) }
  }
  if (kind !== MEMORY_KIND) return { tuned: found }
  const choice = await chooseMemory(search, found.chosen, training, { most: size, proven: proven || !gated })
  if (!choice.setting) return { choice, tuned: found }
  const others = [...found.others, found.adapted, ...choice.others]
  return { choice, tuned: { ...found, adapted: choice.scores, others } }
}

/**
 * Puts the chosen memory of the training queries on a trained linear adapter.
 * @returns the adapter as it was, where none was chosen
 */
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
      ...{ chosen: true, gain, standardError, ...setting, onIdentity },
      ...{ queries: memory.keys.rows, distinct: memory.distinct, bytes: 4 * numbers },
      multiplyAdds: map.W.data.length + memory.keys.data.length + memory.values.data.length,
      microseconds: medianMicroseconds(whole, train.queries),
    },
  }
}

function medianMicroseconds(adapter: Adapter, queries: Rows): number {
  const sample = gatherRows(queries, rowRange(0, Math.min(queries.rows, TIMED_QUERIES)))
  const times: number[] = []
  // The first call compiles.
  applyAdapter(adapter, row(sample, 0))
  const started = performance.now()
  for (let i = 0; performance.now() - started < TIMING_MS; i++) {
    const from = performance.now()
    applyAdapter(adapter, row(sample, i % sample.rows))
    times.push(performance.now() - from)
  }
  return (
    Math.round(
      1e4 *
        quantile(
          times.sort((a, b) => a - b),
          0.5,
        ),
    ) / 10
  )
}

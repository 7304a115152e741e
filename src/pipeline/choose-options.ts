import { closedForm } from '../adapters/closed-forms/index.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import type { Rows } from '../math/row-source.js'
import { signed } from '../math/signed.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { gate } from '../train/gate.js'
import { RECIPE } from '../train/recipe.js'
import type { TrainOptions } from '../train/train-adapter.js'
import { type FixedOptions, trainerOptions } from '../train/tune/candidate.js'
import { type ClusterSplit, clusterSplit } from '../train/tune/cluster-split.js'
import { joinQueries } from '../train/tune/extra-queries.js'
import { createSearch } from '../train/tune/search.js'
import { choose, type TuneResult } from '../train/tune/tune.js'
import { withoutUndefined } from '../train/without-undefined.js'
import { TUNE_BUDGET, TUNE_DEFAULT } from './defaults.js'
import type { EmbeddedParts } from './embedded-parts.js'
import { decideMemory, MEMORY_KIND, type MemoryDecision } from './memory-step.js'
import type { TrainOnEmbeddedOptions } from './train-on-embedded.js'

/** What cross-validation inside the training part says before anything is trained on all of it. */
export interface Choice {
  /** Absent where there was no cross-validation. */
  readonly tuned?: TuneResult
  /** What to train with. */
  readonly final: TrainOptions
  /** What to train on: the training part, with pseudo-queries where they were chosen. */
  readonly train: EmbeddedDataset<Rows>
  /** Whether an adapter that is not proven is held back. */
  readonly gated: boolean
  readonly shift?: ClusterSplit
  readonly memory?: Omit<MemoryDecision, 'tuned'>
  readonly warnings: readonly string[]
}

/**
 * Chooses what the user has not set, with `tune: 'auto'`; with `tune: 'off'` and a gate it measures the user's options out of fold.
 * Whether `linear-memory` gets its memory is always found out.
 * @throws as `createSearch`
 */
export async function chooseOptions(
  engine: Engine,
  embedded: EmbeddedParts,
  options: TrainOnEmbeddedOptions,
): Promise<Choice> {
  const given = options.train ?? {}
  const auto = (options.tune ?? TUNE_DEFAULT) === 'auto'
  const gated = options.gate ?? auto
  if (!(auto || gated || given.kind === MEMORY_KIND))
    return { final: given, train: embedded.train, gated, warnings: [] }
  const started = performance.now()
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = given
  const fixed: FixedOptions = auto
    ? given
    : { ...TRAIN_DEFAULTS, pull: closedForm(given.kind ?? '')?.defaultPull ?? 0, ...withoutUndefined(given) }
  const search = await createSearch(engine, embedded.train, {
    ...{ fixed, seed, metric },
    budget: options.tuneBudget ?? TUNE_BUDGET,
    pseudo: auto ? embedded.pseudo : undefined,
    signal: options.signal,
  })
  try {
    const found = await choose(search, t => {
      const { negatives, multiple, pull, pseudo, score, stoppedAfter } = t
      options.onTried?.(
        `tried ${negatives}, temperature x ${multiple}, c ${pull}${pseudo ? ', with first sentences' : ''}: out-of-fold ${metric} ${score.toFixed(4)}`,
        t,
      )
      options.log?.write('tried', {
        ...{ negatives, temperature: search.tau0 * multiple, c: pull, pseudo, metric, score, stoppedAfter },
      })
    })
    const warnings = found.cut ? [found.cut] : []
    const verdict = gate(found, undefined, { metric, seed })
    const proven = verdict.passed && verdict.gain >= (options.minGain ?? 0)
    const looking = proven ? clusterSplit(search, found.chosen) : undefined
    // Threads look at clusters of queries while the engine is asked about a memory.
    if (!search.threaded) await looking
    const deciding = decideMemory(search, found, embedded.train, given, { proven: verdict.passed, gated })
    const [shift, { tuned: judged, ...memory }] = await Promise.all([looking, deciding])
    if (shift && (shift.p >= RECIPE.gateP || shift.gain <= 0)) warnings.push(shiftWarning(shift, metric))
    const tuned = { ...judged, seconds: (performance.now() - started) / 1000 }
    const train = found.chosen.pseudo ? joinQueries(embedded.train, embedded.pseudo!) : embedded.train
    return { tuned, final: auto ? chosenOptions(train, tuned, given) : given, train, gated, shift, memory, warnings }
  } finally {
    await search.free()
  }
}

/** The training options of the chosen candidate, for all training queries. */
function chosenOptions(train: EmbeddedDataset<Rows>, tuned: TuneResult, given: TrainOptions): TrainOptions {
  const queries = labelledRows(train).length
  const seed = given.seed ?? TRAIN_DEFAULTS.seed
  const {
    kind: _kind,
    closed: _closed,
    ...options
  } = trainerOptions(tuned.chosen, tuned.scale / tuned.chosen.multiple, queries, seed, given)
  return { ...given, ...options, kind: given.kind, patience: 0, keep: 'last' }
}

function shiftWarning({ gain, p }: ClusterSplit, metric: string): string {
  return `the gain holds for queries like those that were trained on; where whole groups of like queries are held out, ${metric} changes by ${signed(gain)} (p = ${p.toFixed(2)}): on new subjects the adapter may not help, so test it on some`
}

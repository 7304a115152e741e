import { closedForm } from '../adapters/closed-forms/index.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { gate } from '../train/gate.js'
import { type FixedOptions, pickOptions, TRAIN_DEFAULTS, withDefaults } from '../train/options.js'
import { RECIPE } from '../train/recipe.js'
import { clusterSplit } from '../train/tune/cluster-split.js'
import { joinQueries } from '../train/tune/sample.js'
import { createSearch } from '../train/tune/search.js'
import { resolve } from '../train/tune/search-point.js'
import { choose, type TuneResult } from '../train/tune/tune.js'
import { signed } from '../words.js'
import { TUNE_BUDGET, TUNE_DEFAULT } from './defaults.js'
import type { EmbeddedParts } from './embedded-parts.js'
import { decideMemory, MEMORY_KIND } from './memory-step.js'
import { decideTerms, mayHaveTerms } from './terms-step.js'
import type { Choice, TrainingRun } from './training.js'

/**
 * Chooses the options the user has not set, with `tune: 'auto'`; with `tune: 'off'` and a gate it measures the user's options out
 * of fold. Whether `linear-memory` gets its memory is always decided. A checkpoint's choice is taken as it is: the search need not
 * be repeated, and a search that its budget cut might end otherwise.
 */
export async function chooseOptions(engine: Engine, parts: EmbeddedParts, run: TrainingRun): Promise<Choice> {
  if (run.choice) return run.choice
  const { checkpoint } = run
  const saved = checkpoint?.state.choice as Omit<Choice, 'train'> | undefined
  if (saved) return { ...saved, final: { ...run.train, ...saved.final }, train: trainingSet(parts, saved.tuned) }
  const choice = await search(engine, parts, run)
  const { train: _train, ...data } = choice
  checkpoint?.save({ choice: { ...data, final: { ...pickOptions(choice.final), keep: choice.final.keep } } })
  return choice
}

async function search(engine: Engine, embedded: EmbeddedParts, options: TrainingRun): Promise<Choice> {
  const given = options.train ?? {}
  const auto = (options.tune ?? TUNE_DEFAULT) === 'auto'
  const gated = options.gate ?? auto
  if (!(auto || gated || given.kind === MEMORY_KIND)) return { final: given, train: embedded.train, gated, warnings: [] }
  const started = performance.now()
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = given
  const budget = options.tuneBudget ?? TUNE_BUDGET
  const fixed: FixedOptions = auto
    ? given
    : withDefaults({ ...given, pull: given.pull ?? closedForm(given.kind ?? '')?.defaultPull })
  const triesTerms = (given.kind ?? TRAIN_DEFAULTS.kind) === TRAIN_DEFAULTS.kind && mayHaveTerms(embedded, options)
  const searching = await createSearch(engine, embedded.train, {
    fixed,
    seed,
    metric,
    budget,
    reserved: RECIPE.judgingShare + (triesTerms ? RECIPE.termsShare : 0),
    pseudo: auto ? embedded.pseudo : undefined,
    signal: options.signal,
  })
  if (searching.cut) options.onCut?.(searching.cut)
  try {
    const found = await choose(searching, t => {
      const { negatives, multiple, pull, pseudo, score, stoppedAfter } = t
      const scale = searching.fittedScale * multiple
      options.onTried?.(
        `tried ${negatives}, scale ${scale}, pull ${pull}${pseudo ? ', with pseudo-queries' : ''}: out-of-fold ${metric} ${score.toFixed(4)}`,
        t,
      )
      options.log?.write('tried', { negatives, scale, pull, pseudo, metric, score, stoppedAfter })
    })
    const warnings = found.cut ? [found.cut] : []
    const verdict = gate(found, undefined, { metric, seed })
    const proven = verdict.passed && verdict.gain >= (options.minGain ?? 0)
    const looking = proven && searching.hasTime(1) ? clusterSplit(searching, found.chosen) : undefined
    if (proven && !looking) warnings.push(`${budget} s (--tune-budget) left no time to test on groups of like queries held out`)
    // Threads look at clusters of queries while the engine is asked about a memory.
    if (!searching.threaded) await looking
    const spare = searching.hasTime(2)
    const deciding = decideMemory(searching, found, embedded.train, given, { proven: verdict.passed, gated, spare })
    const [shift, { tuned: remembered, ...memory }] = await Promise.all([looking, deciding])
    const worded = triesTerms
      ? await decideTerms(searching, remembered, embedded, options, proven || !gated)
      : { tuned: remembered }
    const { choice: terms, tuned: judged } = worded
    if (worded.skipped) warnings.push(`${budget} s (--tune-budget) left no time to try text terms`)
    if (shift && (shift.p >= RECIPE.gateP || shift.gain <= 0)) {
      const change = `${metric} changes by ${signed(shift.gain)} (p = ${shift.p.toFixed(2)})`
      warnings.push(
        `the gain holds for queries like those that were trained on; where whole groups of like queries are held out, ${change}: on new subjects the adapter may not help, so test it on some`,
      )
    }
    const tuned = { ...judged, seconds: (performance.now() - started) / 1000 }
    const train = trainingSet(embedded, found)
    const { fittedScale } = searching
    const final = auto ? { ...given, ...resolve(given, tuned.chosen, labelledRows(train).length, { fittedScale, seed }) } : given
    return { tuned, final, train, gated, shift, memory, terms, warnings }
  } finally {
    await searching.free()
  }
}

/** The training set, with pseudo-queries if they were chosen. */
function trainingSet({ train, pseudo }: EmbeddedParts, tuned: TuneResult | undefined): Choice['train'] {
  return tuned?.chosen.pseudo ? joinQueries(train, pseudo!) : train
}

import type { Adapter, AdapterBase } from '../adapters/adapter.js'
import { familiarityOf } from '../drift/familiarity.js'
import { isNormalized } from '../math/row-source.js'
import type { GateResult } from '../train/gate.js'
import { recorded, TRAIN_DEFAULTS } from '../train/options.js'
import type { TrainOptions, TrainResult } from '../train/train-adapter.js'
import type { TuneResult } from '../train/tune/tune.js'
import { VERSION } from '../version.js'
import { trainedQueries } from './duel.js'
import type { EmbeddedParts } from './embedded-parts.js'
import type { Proof } from './proof.js'
import type { Choice, EmbeddedTrainingReport, Judgement, OutOfFold, Trained, TuneReport, WeightsReport } from './training.js'

/** Facts of a run besides its training. */
interface RunFacts extends Pick<EmbeddedTrainingReport, 'warnings'> {
  readonly given: TrainOptions
  readonly tune: 'auto' | 'off'
  readonly reason: string
  readonly seconds: Omit<EmbeddedTrainingReport['seconds'], 'evaluate'>
  readonly outOfFold?: OutOfFold
}

/** Makes adapter and report of a run, finished or interrupted. `seconds` of the facts are those before the evaluation. */
export function resultsOf(embedded: EmbeddedParts, trained: TrainResult, choice: Choice, facts: RunFacts) {
  const { baseId, train, test, pseudo, counts } = embedded
  const { epochs, bestEpoch, engine, engineDescription } = trained
  const { tuned, final } = choice
  const { given, reason, seconds, warnings, outOfFold } = facts
  const course = { engine, bestEpoch, epochsRun: epochs.length }
  const subject = {
    kind: given.kind ?? TRAIN_DEFAULTS.kind,
    base: { id: baseId, dimensions: train.queries.cols },
    // The queries of the cross-validation stand in for a validation set.
    data: { train: counts.train, ...(tuned && { validation: sizeOf(tuned) }), ...counts },
  }
  const tune = tuned && tuneReport(tuned, pseudo?.queries.rows)
  const courseReport = { epochs, bestEpoch, engine, engineDescription, engineReason: reason }
  const trainingOf = (options: Adapter['training']['options'], metrics: Adapter['training']['metrics'] = {}) => ({
    tool: `adapter-train ${VERSION}`,
    date: new Date().toISOString(),
    data: { sha256: embedded.sha256(), ...counts },
    options,
    metrics,
    queries: trainedQueries(train),
    familiarity: familiarityOf(train.queries, final.seed ?? TRAIN_DEFAULTS.seed),
  })

  return {
    /** @param evaluate seconds */
    finished(judged: Judgement, evaluate: number): Trained {
      const { adapter, rejected, proof, detail, reported, topScore, metrics } = judged
      const { gate, duel, ...decided } = judged.report
      const report: EmbeddedTrainingReport = {
        ...subject,
        ...(reported && { ...proofFacts(reported), metrics }),
        kFold: outOfFold?.report,
        test: outOfFold && test && proof && { ...proofFacts(proof), queries: proof.queries },
        gate,
        duel,
        shift: choice.shift,
        ...decided,
        memoryHint: choice.memory?.hint,
        tune,
        ...courseReport,
        seconds: { ...seconds, evaluate },
        warnings,
      }
      const options = {
        ...recorded(final),
        ...(tuned && pseudo && { pseudoQueries: tuned.chosen.pseudo ? pseudo.queries.rows : 0 }),
        tune: facts.tune,
        ...(decided.weights?.used && { weights: decided.weights.weights }),
        ...course,
        ...(topScore?.scale !== undefined && { keepTopScore: true }),
        ...(outOfFold && { kFold: outOfFold.report.folds, splitBy: outOfFold.report.by }),
      }
      const training = {
        ...trainingOf(options, metrics),
        ...(reported && { difference: reported.difference }),
        ...(topScore && { topScore }),
        ...(gate && { gate }),
        ...(duel && { duel }),
      }
      const withFacts = (trainedAdapter: Adapter): Adapter => ({ ...trainedAdapter, training })
      return { adapter: withFacts(adapter), rejected: rejected && withFacts(rejected), report, proof, detail }
    },

    /** The best adapter so far, marked in `training`, without a memory. */
    interrupted(weights?: WeightsReport): Trained {
      const interrupted = { afterEpoch: epochs.length, epochs: final.epochs ?? TRAIN_DEFAULTS.epochs }
      const why = `training was interrupted after epoch ${interrupted.afterEpoch} of ${interrupted.epochs}: nothing is proven`
      const gate = { kept: true, passed: false, reason: why }
      const options = { ...recorded(final), ...course, ...(weights?.used && { weights: weights.weights }) }
      const training = { ...trainingOf(options), gate, interrupted }
      return {
        adapter: { kind: trained.kind, base: adapterBase(embedded), params: trained.weights, training },
        report: { ...subject, tune, weights, interrupted, ...courseReport, seconds: { ...seconds, evaluate: 0 }, warnings },
      }
    },
  }
}

/** Figures of a proof that a report shows. */
export function proofFacts({ metrics, difference, wins, ties, losses, seen, unseen, largest, whole }: Proof) {
  return { metrics, difference, wins, ties, losses, seen, unseen, largest, whole }
}

const sizeOf = ({ queries, pairs, documents, folds }: TuneResult) => ({ queries, pairs, documents, folds })

/** @param pseudoCount pseudo-queries found */
function tuneReport(tuned: TuneResult, pseudoCount?: number): TuneReport {
  const { chosen, scale, tried, queries, documents, folds, cut, seconds } = tuned
  const fittedScale = scale / chosen.multiple
  return {
    negatives: chosen.negatives,
    scale,
    pull: chosen.pull,
    ...(pseudoCount && { pseudoQueries: { count: pseudoCount, used: chosen.pseudo === true } }),
    tried: tried.map(({ negatives, multiple, pull, pseudo, score, stoppedAfter }) => ({
      negatives,
      scale: fittedScale * multiple,
      pull,
      score,
      ...(pseudo && { pseudoQueries: true as const }),
      ...(stoppedAfter && { stoppedAfter }),
    })),
    queries,
    documents,
    folds,
    cut,
    seconds: Math.round(seconds * 1000) / 1000,
  }
}

/** Embedding space of an adapter trained on these parts. */
export function adapterBase({ baseId, provider, train: { queries, docs } }: EmbeddedParts): AdapterBase {
  const normalized = isNormalized(queries) && isNormalized(docs)
  return { id: baseId, dimensions: queries.cols, normalized, ...(provider && { provider }) }
}

export function warningsFor(
  { test, validation }: EmbeddedParts,
  decision: GateResult | undefined,
  bestEpoch: number,
  { proof, outOfFold }: { readonly proof?: Proof; readonly outOfFold?: Proof },
  metric: string,
): string[] {
  const warnings: string[] = []
  if (decision && !decision.passed) warnings.push(decision.reason)
  if (bestEpoch === 0) {
    warnings.push('no epoch was better than the base on the validation set: the adapter is the identity and changes nothing')
  }
  const losses = [
    [test && proof, 'on the test set the adapter LOSES', 'the test set does not affect the gate'],
    [outOfFold, 'out of fold the procedure LOSES', 'the folds do not affect the gate'],
  ] as const
  for (const [measured, what, advice] of losses) {
    const d = measured?.difference[metric]
    if (!d || d.high >= 0) continue
    const change = `${d.mean.toFixed(4)} (95% CI ${d.low.toFixed(4)} to ${d.high.toFixed(4)})`
    warnings.push(`${what} ${metric}: ${change}; ${advice}; review before deploying`)
  }
  if (outOfFold || test) return warnings
  return [
    ...warnings,
    validation
      ? 'there is no test set: the figures are of the validation set, which took part in the choice, and may be flattering'
      : 'there is neither a validation nor a test set: nothing but the out-of-fold gain of --tune auto shows whether the adapter helps',
  ]
}

import type { TrainResult } from '../train/train-adapter.js'
import type { Choice } from './choose-options.js'
import type { EmbeddedParts } from './embedded-parts.js'
import { adapterOrigin, type EmbeddedTrainingReport, type RunFacts, trainedReport } from './embedded-training-report.js'
import type { Judgement } from './judge-adapter.js'
import type { Proof } from './proof.js'
import type { OutOfFold } from './train-in-folds.js'
import type { TrainedOnEmbedded } from './train-on-embedded.js'
import { recordedOptions } from './tune-report.js'

/** The adapter of a run that is done, with the facts for its file, and the report. */
export function finishedRun(
  embedded: EmbeddedParts,
  trained: TrainResult,
  choice: Choice,
  { adapter, memory, decision, proof, reported, split, detail }: Judgement,
  facts: RunFacts & { readonly outOfFold?: OutOfFold },
): TrainedOnEmbedded {
  const { tuned, final, shift } = choice
  const { given, tune, outOfFold } = facts
  const metrics = reported && { ...reported.metrics, split }
  const { kind, base, data, ...rest } = trainedReport(embedded, trained, choice, facts)
  const report: EmbeddedTrainingReport = {
    ...{ kind, base, data },
    ...(reported && { ...proofFacts(reported), metrics }),
    kFold: outOfFold?.report,
    test: outOfFold && embedded.test && proof && { ...proofFacts(proof), queries: proof.queries },
    gate: decision,
    shift,
    memory,
    memoryHint: choice.memory?.hint,
    ...rest,
  }
  const pseudo = tuned && embedded.pseudo
  const options = {
    ...recordedOptions(final, given.kind),
    ...(pseudo && { pseudoQueries: tuned.chosen.pseudo ? pseudo.queries.rows : 0 }),
    tune,
    engine: trained.engine,
    bestEpoch: trained.bestEpoch,
    epochsRun: trained.epochs.length,
    ...(outOfFold && { kFold: outOfFold.report.folds, splitBy: outOfFold.report.by }),
  }
  const training = { ...adapterOrigin(embedded), options, metrics: metrics ?? {}, ...(decision && { gate: decision }) }
  return { adapter: { ...adapter, training }, report, proof, detail }
}

function proofFacts({ metrics, difference, wins, ties, losses, seen, unseen, largest, whole }: Proof) {
  return { metrics, difference, wins, ties, losses, seen, unseen, largest, whole }
}

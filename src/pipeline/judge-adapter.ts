import type { Adapter } from '../adapters/adapter.js'
import { adapterKind } from '../adapters/index.js'
import type { Engine } from '../engines/engine.js'
import { TRAIN_DEFAULTS } from '../train/defaults.js'
import { type GateResult, gate } from '../train/gate.js'
import { identityWeights } from '../train/parameters.js'
import type { TrainResult } from '../train/train-adapter.js'
import type { Choice } from './choose-options.js'
import type { EmbeddedParts, PartName } from './embedded-parts.js'
import { adapterBase } from './embedded-training-report.js'
import { addMemory, type MemoryReport } from './memory-step.js'
import { type Proof, prove, subjectOf } from './proof.js'
import { type ProofDetail, proofDetail, rankDetail } from './proof-detail.js'
import type { TrainOnEmbeddedOptions } from './train-on-embedded.js'
import { warningsFor } from './training-warnings.js'

/** What the gate made of a trained adapter, and the proof of what is left. */
export interface Judgement {
  /** What is shipped: the trained map, with its memory where one was chosen, or the identity. Not yet with its facts. */
  readonly adapter: Adapter
  readonly memory?: MemoryReport
  /** Absent where no cross-validation was asked for. */
  readonly decision?: GateResult
  /** On the test set, or where there is none on the validation set. */
  readonly proof?: Proof
  /** The proof that is reported: that of the folds where there are any. */
  readonly reported?: Proof
  readonly split: 'k-fold' | 'test' | 'validation'
  /** Of the reported proof, where it was asked for. */
  readonly detail?: ProofDetail
  readonly warnings: readonly string[]
}

/**
 * Puts a chosen memory on a trained map, asks the gate, and measures what it lets pass. The test part decides nothing.
 * @throws ABORTED when `signal` was aborted
 */
export async function judgeAdapter(
  engine: Engine,
  embedded: EmbeddedParts,
  trained: TrainResult,
  { tuned, gated, memory: decided }: Choice,
  options: TrainOnEmbeddedOptions,
): Promise<Judgement> {
  const { train: given = {}, minGain, outOfFold, signal } = options
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = given
  const base = adapterBase(embedded)
  const map: Adapter = { kind: trained.kind, base, params: trained.weights, training: NO_FACTS }
  const memory = decided?.choice && (await addMemory(engine, embedded.train, map, decided.choice, given))
  const ungated = memory?.adapter ?? map
  const proofOn = async (part: PartName, adapter: Adapter): Promise<Proof | undefined> =>
    embedded[part] && prove(engine, subjectOf(embedded, part), adapter, { seed, metric, signal })
  const onValidation = await proofOn('validation', ungated)
  const decision = tuned && gate(tuned, pairedScores(onValidation, metric), { metric, minGain, enabled: gated, seed })
  const adapter = decision?.kept === false ? identityAdapter(base, embedded.train.docs.cols) : ungated
  const heldOut = embedded.test ? 'test' : 'validation'
  const proof = adapter === ungated && heldOut === 'validation' ? onValidation : await proofOn(heldOut, adapter)
  const [split, reported] = outOfFold ? (['k-fold', outOfFold.proof] as const) : ([heldOut, proof] as const)
  const detailOf = ({ scored }: Proof) =>
    outOfFold
      ? rankDetail(scored, embedded.texts('train'), metric)
      : proofDetail(engine, subjectOf(embedded, heldOut), adapter, scored, { seed, metric, signal })
  const detail = options.detail && reported ? await detailOf(reported) : undefined
  const proofs = { proof, outOfFold: outOfFold?.proof }
  const warnings = warningsFor(embedded, decision, trained.bestEpoch, proofs, metric)
  return { adapter, memory: memory?.report, decision, proof, reported, split, detail, warnings }
}

const NO_FACTS: Adapter['training'] = { tool: '', date: '', data: {}, options: {}, metrics: {} }

function identityAdapter(base: Adapter['base'], outputs: number): Adapter {
  const kind = adapterKind('linear')
  const params = identityWeights(kind, base.dimensions, undefined, outputs)
  return { kind: kind.name, base, params, training: NO_FACTS }
}

function pairedScores(proof: Proof | undefined, metric: string) {
  if (!proof) return undefined
  const { base, adapted } = proof.scored
  return { base: base.perQuery[metric], adapted: adapted.perQuery[metric] }
}

import type { Adapter } from '../adapters/adapter.js'
import { linear } from '../adapters/linear.js'
import type { PartName } from '../dataset/split.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { type Rows, truncateRows } from '../math/row-source.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import { gate } from '../train/gate.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { identityWeights } from '../train/parameters.js'
import type { TermsChoice } from '../train/terms/choose-terms.js'
import type { TrainResult } from '../train/train-adapter.js'
import type { PartWeights } from './compose-weights.js'
import { duel as compareInUse } from './duel.js'
import type { EmbeddedParts } from './embedded-parts.js'
import { type HybridComparison, measureHybrids } from './hybrid-rows.js'
import { addMemory } from './memory-step.js'
import { type Proof, proofDetail, prove, rankDetail, subjectOf } from './proof.js'
import { adapterBase, warningsFor } from './result.js'
import { addTerms, reportOf } from './terms-step.js'
import type { Choice, Judgement, TrainingRun } from './training.js'

/** Adds a chosen memory to a trained map, gates it, and measures the adapter that is kept. The test set decides nothing. */
export async function judgeAdapter(
  engine: Engine,
  embedded: EmbeddedParts,
  trained: TrainResult,
  { tuned, gated, memory: decided, terms: decidedTerms, parts }: Choice & { readonly parts?: PartWeights },
  options: TrainingRun,
): Promise<Judgement> {
  const { train: given = {}, minGain, outOfFold, incumbent, replace, signal } = options
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = given
  const measuring = { seed, metric, signal }
  const base = adapterBase(embedded)
  const map: Adapter = { kind: trained.kind, base, params: trained.weights, training: NO_FACTS }
  const memory = decided?.choice && (await addMemory(engine, embedded.train, map, decided.choice, given))
  const unadapted = (): Adapter => {
    const identity = identityAdapter(base, embedded.train.docs.cols)
    return parts ? { ...identity, params: parts.fold(identity.params) } : identity
  }
  const wordsOn = (choice: TermsChoice) =>
    addTerms(embedded, choice.linear ? map : unadapted(), choice, { proven: gated, corpus: options.corpus })
  const worded = decidedTerms?.setting && wordsOn(decidedTerms)
  const ungated = memory?.adapter ?? worded?.deployed ?? map
  const fittedTo = (part: PartName, adapter: Adapter): Adapter => (adapter.terms ? worded!.on(part) : adapter)
  const proofOn = async (part: PartName, adapter: Adapter): Promise<Proof | undefined> =>
    embedded[part] && prove(engine, subjectOf(embedded, part), fittedTo(part, adapter), measuring)
  const onValidation = await proofOn('validation', ungated)
  const scored = onValidation?.scored
  const validation = scored && { base: scored.base.perQuery[metric], adapted: scored.adapted.perQuery[metric] }
  const decision = tuned && gate(tuned, validation, { metric, minGain, enabled: gated, seed })
  const refused = decision?.kept === false
  // Proven weights of the parts are kept without the map on top of them.
  const alone = refused && parts?.report.used === true
  const adapter = refused ? unadapted() : ungated
  const heldOut = embedded.test ? 'test' : 'validation'
  const ofUngated = heldOut === 'validation' ? onValidation : undefined
  const proof = (refused ? undefined : ofUngated) ?? (await proofOn(heldOut, adapter))
  const contest = incumbent && (!refused || alone) && { incumbent, candidate: adapter, scored: proof?.scored, rule: replace }
  const duel = contest ? await compareInUse(engine, embedded, heldOut, contest, measuring) : undefined
  const reported = outOfFold?.proof ?? proof
  const withoutTerms = { ...adapter, terms: undefined }
  const linearPart = adapter.terms && reported && !outOfFold ? await proofOn(heldOut, withoutTerms) : undefined
  const detailOf = ({ scored }: Proof) =>
    outOfFold
      ? rankDetail(scored, embedded.train.queryTexts, metric)
      : proofDetail(engine, subjectOf(embedded, heldOut), fittedTo(heldOut, adapter), scored, measuring)
  const detail = options.detail && reported ? await detailOf(reported) : undefined
  const refusedProof = refused && !alone ? (ofUngated ?? (await proofOn(heldOut, ungated))) : undefined
  const proofs = { proof, outOfFold: outOfFold?.proof }
  const warnings = warningsFor(embedded, decision, trained.bestEpoch, proofs, metric)
  const terms = decidedTerms && (adapter.terms ? worded!.report() : reportOf(decidedTerms))
  const searches = (): ReadonlyMap<string, Adapter> => {
    const named = new Map<string, Adapter>()
    if (linearPart && decidedTerms?.linear) named.set('the linear adapter', withoutTerms)
    if (!refused || alone) named.set(adapter.terms ? 'text terms' : 'the adapter', fittedTo(heldOut, adapter))
    return named
  }
  const hybrid = proof && options.hybrid !== false ? await hybridOf(engine, embedded[heldOut]!, searches(), measuring) : undefined
  // The file says what the linear part gives alone.
  const shipped =
    adapter.terms && linearPart ? { ...adapter, terms: { ...adapter.terms, linear: linearPart.metrics.adapted } } : adapter
  const split = outOfFold ? 'k-fold' : heldOut
  return {
    adapter: shipped,
    rejected: refused && !alone ? ungated : duel?.replaces === false ? shipped : undefined,
    metrics: reported && { ...reported.metrics, split, ...(refusedProof && { rejected: refusedProof.metrics.adapted }) },
    report: {
      gate: alone ? parts.report.gate : decision,
      duel,
      ...(parts && { weights: { ...parts.report, ...(alone && { onTop: decision }) } }),
      memory: memory?.report,
      terms,
      ...(linearPart && { linearPart: linearFacts(linearPart) }),
      ...(hybrid !== undefined && { hybrid }),
    },
    proof,
    reported,
    detail,
    warnings,
  }
}

const linearFacts = ({ metrics, difference, seen, unseen }: Proof) => ({ metrics, difference, seen, unseen })

/** Measures hybrid search with the base vectors and with those of adapters. */
async function hybridOf(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  adapters: ReadonlyMap<string, Adapter>,
  options: { readonly metric: string; readonly seed: number },
): Promise<HybridComparison | string | undefined> {
  const measure = measureHybrids(engine, data, options)
  if (!measure) return undefined
  await measure.add('the base', truncateRows(data.queries, data.docs.cols), data.docs)
  for (const [name, adapter] of adapters) {
    await measure.add(name, await applyAdapterOn(engine, adapter, data.queries, data.queryTexts), data.docs)
  }
  return measure.finish()
}

const NO_FACTS: Adapter['training'] = { tool: '', date: '', data: {}, options: {}, metrics: {} }

function identityAdapter(base: Adapter['base'], outputs: number): Adapter {
  const params = identityWeights(linear, base.dimensions, undefined, outputs)
  return { kind: linear.name, base, params, training: NO_FACTS }
}

import type { Adapter } from '../adapters/adapter.js'
import { adapterKind } from '../adapters/index.js'
import type { PartName } from '../dataset/split.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { type Rows, truncateRows } from '../math/row-source.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import { gate } from '../train/gate.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { identityWeights } from '../train/parameters.js'
import type { TrainResult } from '../train/train-adapter.js'
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
  { tuned, gated, memory: decided, terms: decidedTerms }: Choice,
  options: TrainingRun,
): Promise<Judgement> {
  const { train: given = {}, minGain, outOfFold, incumbent, replace, signal } = options
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric } = given
  const base = adapterBase(embedded)
  const map: Adapter = { kind: trained.kind, base, params: trained.weights, training: NO_FACTS }
  const memory = decided?.choice && (await addMemory(engine, embedded.train, map, decided.choice, given))
  const worded =
    decidedTerms?.setting && addTerms(embedded, map, decidedTerms, { proven: gated, corpus: options.corpus })
  const ungated = memory?.adapter ?? worded?.deployed ?? map
  const proofOn = async (part: PartName, adapter: Adapter): Promise<Proof | undefined> =>
    embedded[part] &&
    prove(engine, subjectOf(embedded, part), adapter.terms ? worded!.on(part) : adapter, { seed, metric, signal })
  const onValidation = await proofOn('validation', ungated)
  const decision = tuned && gate(tuned, pairedScores(onValidation, metric), { metric, minGain, enabled: gated, seed })
  const refused = decision?.kept === false
  const adapter = refused ? identityAdapter(base, embedded.train.docs.cols) : ungated
  const heldOut = embedded.test ? 'test' : 'validation'
  const proof = adapter === ungated && heldOut === 'validation' ? onValidation : await proofOn(heldOut, adapter)
  const contest = incumbent && !refused && { incumbent, candidate: ungated, scored: proof?.scored, rule: replace }
  const duel = contest ? await compareInUse(engine, embedded, heldOut, contest, { seed, metric, signal }) : undefined
  const [split, reported] = outOfFold ? (['k-fold', outOfFold.proof] as const) : ([heldOut, proof] as const)
  const linearPart =
    adapter.terms && reported && !outOfFold ? await proofOn(heldOut, { ...adapter, terms: undefined }) : undefined
  const detailOf = ({ scored }: Proof) =>
    outOfFold
      ? rankDetail(scored, embedded.train.queryTexts, metric)
      : proofDetail(engine, subjectOf(embedded, heldOut), adapter.terms ? worded!.on(heldOut) : adapter, scored, {
          seed,
          metric,
          signal,
        })
  const detail = options.detail && reported ? await detailOf(reported) : undefined
  const proofs = { proof, outOfFold: outOfFold?.proof }
  const refusedProof = refused && (heldOut === 'validation' ? onValidation : await proofOn(heldOut, ungated))
  const warnings = warningsFor(embedded, decision, trained.bestEpoch, proofs, metric)
  const terms = decidedTerms && (adapter.terms ? worded!.report() : reportOf(decidedTerms))
  const searches = () => {
    const named = new Map<string, Adapter>()
    if (linearPart && decidedTerms?.linear) named.set('the linear adapter', { ...adapter, terms: undefined })
    if (adapter.terms) named.set('text terms', worded!.on(heldOut))
    else if (!refused) named.set('the adapter', adapter)
    return named
  }
  const hybrid =
    proof && options.hybrid !== false
      ? await hybridOf(engine, embedded[heldOut]!, searches(), { metric, seed })
      : undefined
  const facts = { memory: memory?.report, terms, linearPart, hybrid }
  const shipped = withLinearFigures(adapter, linearPart)
  return {
    adapter: shipped,
    rejected: refused ? ungated : duel?.replaces === false ? shipped : undefined,
    rejectedScores: refusedProof ? refusedProof.metrics.adapted : undefined,
    duel,
    ...facts,
    decision,
    proof,
    reported,
    split,
    detail,
    warnings,
  }
}

/** Measures hybrid search with the base vectors and with those of adapters. */
async function hybridOf(
  engine: Engine,
  data: EmbeddedDataset<Rows>,
  adapters: ReadonlyMap<string, Adapter>,
  options: { readonly metric: string; readonly seed: number },
): Promise<HybridComparison | string | undefined> {
  const measure = measureHybrids(engine, data, options)
  await measure?.add('the base', truncateRows(data.queries, data.docs.cols), data.docs)
  for (const [name, adapter] of adapters) {
    await measure?.add(name, await applyAdapterOn(engine, adapter, data.queries, data.queryTexts), data.docs)
  }
  return measure?.finish()
}

/** The adapter, whose file says what its linear part gives alone. */
function withLinearFigures(adapter: Adapter, linearPart: Proof | undefined): Adapter {
  const { terms } = adapter
  return terms && linearPart ? { ...adapter, terms: { ...terms, linear: linearPart.metrics.adapted } } : adapter
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

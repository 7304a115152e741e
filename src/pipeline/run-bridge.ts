import type { Adapter, AdapterBase, AdapterIndex } from '../adapters/adapter.js'
import { adapterKind } from '../adapters/index.js'
import { familiarityOf } from '../drift/familiarity.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { withEngine } from '../engines/index.js'
import { compareRankings, type Difference } from '../evaluate/compare.js'
import { createEvaluator, type Evaluation, type Scores } from '../evaluate/evaluator.js'
import { DEFAULT_METRICS } from '../evaluate/metrics.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { topKOn } from '../evaluate/top-k-on.js'
import type { Rows } from '../math/row-source.js'
import { mean } from '../math/statistics/moments.js'
import { adaptOn } from '../train/adapt-on.js'
import { type BridgeMap, compose, fitBridge, NEIGHBOURS, shared, type TriedFit } from '../train/bridge/fit-bridge.js'
import type { VectorPairs } from '../train/bridge/linear-fits.js'
import type { GateResult } from '../train/gate.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { VERSION } from '../version.js'
import { percent } from '../words.js'
import { REPLACE_DEFAULT } from './defaults.js'
import { type Duel, duel, type TrainedQueries, trainedQueries } from './duel.js'
import { countsOf, partsFromVectors } from './embedded-parts.js'
import type { ScoredQueries } from './proof.js'
import type { RunEvaluationOptions } from './run-evaluation.js'
import { trainOnEmbedded } from './train-on-embedded.js'
import type { TrainingOptions, TuneReport } from './training.js'

/** Texts, tokens and US dollars of an embedding; null if they are not known. */
export interface BridgeCost {
  readonly texts: number
  readonly tokens: number | null
  readonly dollars: number | null
}

/** Vectors of both models, and labels if there are some. Queries are of the new model, documents of the index's. */
export interface BridgeData {
  readonly base: AdapterBase
  readonly index: AdapterIndex
  /** Sample of the index's documents in both spaces. */
  readonly pairs: VectorPairs
  readonly documents: number
  readonly train?: EmbeddedDataset<Rows>
  readonly test?: EmbeddedDataset<Rows>
  /** The test queries in the space of the index. */
  readonly nativeQueries?: Rows
  /** Documents of the test set in the space of the new model. */
  readonly ownDocuments?: Rows
  /** Of the sample, and of all documents. */
  readonly cost: { readonly bridge: BridgeCost; readonly reembed: BridgeCost }
}

/** Options of fitting and measuring a bridge. */
export interface RunBridgeOptions
  extends Pick<TrainingOptions, 'minGain' | 'tuneBudget' | 'incumbent' | 'replace' | 'signal'>,
    Pick<RunEvaluationOptions, 'seed' | 'engine' | 'device'> {
  /** Metric of the gate and of the share that is recovered. Default `ndcg@10`. */
  readonly metric?: string
  /** Called with every map that is tried. */
  readonly onTried?: (tried: TriedFit) => void
  /** Called with every candidate of the training with labels. */
  readonly onTriedLabels?: (line: string) => void
}

/** What a bridge is good for. */
export type BridgeVerdict = 'switch' | 'bridge' | 'unusable'

/** Figures of a bridge. Metrics lie in [0, 1]. */
export interface BridgeReport {
  readonly base: AdapterBase
  readonly index: AdapterIndex
  readonly kind: string
  readonly fit: TriedFit
  readonly tried: readonly TriedFit[]
  /** Texts that the map was fitted to, and those of them that were held out to choose it. */
  readonly texts: number
  readonly heldOut: number
  /** Means on the test set: the index's own model, the map without labels, and with them (null without `--train`). */
  readonly metrics: { readonly native: Scores | null; readonly mapped: Scores | null; readonly labelled: Scores | null }
  /** What the new model would reach if all documents were embedded with it; null if they are not known. */
  readonly reembedded: Scores | null
  /** Mapped over native quality by `recoveredBy`: the metric, or without a test set the overlap of neighbours. */
  readonly recovered: number
  readonly recoveredBy: string
  /** The same of the map with labels, if there is one. */
  readonly recoveredLabelled: number | null
  /** Share of the first 10 that mapped and native queries have in common; of held-out documents without a test set. */
  readonly overlap: number
  /** Mapped minus native. */
  readonly difference?: Readonly<Record<string, Difference>>
  /** Labelled minus mapped. */
  readonly labels?: Readonly<Record<string, Difference>>
  readonly gate?: GateResult
  readonly tune?: TuneReport
  readonly duel?: Duel
  readonly cost: BridgeData['cost']
  readonly verdict: BridgeVerdict
  /** The verdict in words, with the reason. */
  readonly sentence: string
  readonly engine: string
  readonly seconds: number
  readonly warnings: readonly string[]
}

/** Result of a bridge. */
export interface BridgeResult {
  /** The adapter to put in use: with labels if the gate accepts these, else without. */
  readonly adapter: Adapter
  /** An adapter that is not to be put in use: rejected by the gate. */
  readonly rejected?: Adapter
  /** True if the adapter may not replace the one in use. */
  readonly held?: boolean
  readonly report: BridgeReport
}

/**
 * Shares of the index's own quality. From 0.95 on queries may switch for good: Drift-Adapter calls 95 to 99 % of the recall an
 * upgrade without re-embedding. Below 0.8 more is lost in a query than most changes of model gain.
 */
export const RECOVERED = { switch: 0.95, bridge: 0.8 } as const
/**
 * The same for the overlap of neighbours, if there are no labels. On the sets of docs/migrating.md maps with an overlap from 0.6
 * recovered 0.90 to 1.09, from 0.5 to 0.6 0.75 to 1.03, and below 0.65 to 0.93: a guess, as the sentence says.
 */
export const OVERLAP = { switch: 0.7, bridge: 0.5 } as const

/**
 * Fits a map from a model's queries into the index of another model, trains on with labels if there are some, and measures both.
 */
export async function runBridge(data: BridgeData, options: RunBridgeOptions = {}): Promise<BridgeResult> {
  const started = performance.now()
  const { seed = TRAIN_DEFAULTS.seed, metric = TRAIN_DEFAULTS.metric, signal, onTried } = options
  return withEngine(options, async ({ engine, warning }) => {
    const fitted = await fitBridge(engine, data.pairs, { seed, signal, onTried })
    const { chosen, tried, texts, heldOut } = fitted
    const labelled = data.train && (await trainOn(engine, data, fitted, options))
    const accepted = labelled?.accepted ?? fitted
    const measured = await measure(engine, data, fitted, labelled?.accepted, options)
    const { native, mapped, withLabels, own } = measured
    const { base, index, train } = data
    const adapterOf = ({ kind, weights }: BridgeMap): Adapter => ({
      kind,
      base,
      index,
      params: weights,
      training: {
        tool: `adapter-train ${VERSION}`,
        date: new Date().toISOString(),
        data: { documents: data.documents, ...(train && { train: countsOf(train) }) },
        options: { bridge: chosen, seed },
        metrics: {
          ...(native && { native: native.mean }),
          ...(mapped && { mapped: mapped.mean }),
          ...(withLabels && { labelled: withLabels.mean }),
        },
        queries: train ? trainedQueries(train) : NO_QUERIES,
        ...(train && { familiarity: familiarityOf(train.queries, seed) }),
        ...(labelled?.gate && { gate: labelled.gate }),
      },
    })
    const adapter = adapterOf(accepted)
    const contest = await stand(engine, data, adapter, measured.shipped, options)
    const shareOf = (scores: Evaluation | undefined) =>
      native && scores && native.mean[metric] > 0 ? scores.mean[metric] / native.mean[metric] : undefined
    const share = shareOf(mapped)
    const recovered = share ?? chosen.overlap
    const recoveredLabelled = labelled ? (shareOf(withLabels) ?? null) : null
    const used = recoveredLabelled ?? recovered
    const [bounds, found] =
      share === undefined
        ? [OVERLAP, `a guess without labels: mapped and native neighbours overlap by ${percent(used)}`]
        : [RECOVERED, `mapped queries reach ${percent(used)} of the index's own ${metric}`]
    const verdict = used >= bounds.switch ? 'switch' : used >= bounds.bridge ? 'bridge' : 'unusable'
    const recoveredBy = share === undefined ? `overlap@${NEIGHBOURS}` : metric
    const report: BridgeReport = {
      base,
      index,
      kind: accepted.kind,
      fit: chosen,
      tried,
      texts,
      heldOut,
      metrics: {
        native: native?.mean ?? null,
        mapped: mapped?.mean ?? null,
        labelled: labelled ? (withLabels?.mean ?? null) : null,
      },
      reembedded: own?.mean ?? null,
      recovered,
      recoveredBy,
      recoveredLabelled,
      overlap: measured.overlap ?? chosen.overlap,
      ...(native && mapped && { difference: compareRankings(native, mapped, { seed, metric }).difference }),
      ...(withLabels && mapped && { labels: compareRankings(mapped, withLabels, { seed, metric }).difference }),
      gate: labelled?.gate,
      tune: labelled?.tune,
      duel: contest,
      cost: data.cost,
      verdict,
      sentence: sentenceOf(verdict, found, bounds, data, own?.mean[metric]),
      engine: engine.name,
      seconds: Math.round(performance.now() - started) / 1000,
      warnings: [...(warning ? [warning] : []), ...(labelled?.warnings ?? [])],
    }
    const rejected = labelled?.rejected && adapterOf(labelled.rejected)
    return {
      adapter: { ...adapter, training: { ...adapter.training, ...(contest && { duel: contest }) } },
      ...(rejected && { rejected }),
      ...(contest?.replaces === false && { held: true }),
      report,
    }
  })
}

/** Trains a linear map of the index's space on mapped queries, starting at the identity, and folds it into the bridge. */
async function trainOn(engine: Engine, data: BridgeData, map: BridgeMap, options: RunBridgeOptions) {
  const mappedSet = async (set: EmbeddedDataset<Rows>): Promise<EmbeddedDataset<Rows>> => ({
    ...set,
    baseId: data.index.id,
    queries: await mapQueries(engine, map, set.queries),
  })
  const { metric, seed, minGain, tuneBudget, signal } = options
  const parts = { train: await mappedSet(data.train!), ...(data.test && { test: await mappedSet(data.test) }) }
  const { adapter, rejected, report } = await trainOnEmbedded(partsFromVectors(parts), {
    train: { engine, ...(metric !== undefined && { metric }), ...(seed !== undefined && { seed }) },
    gate: true,
    minGain,
    tuneBudget,
    // A bridge is a map of vectors: what it cannot hold may not prove it.
    textTerms: 'off',
    hybrid: false,
    signal,
    onTried: options.onTriedLabels,
  })
  return {
    accepted: rejected ? map : await compose(engine, map, adapter.params),
    rejected: rejected && (await compose(engine, map, rejected.params)),
    gate: report.gate,
    tune: report.tune,
    warnings: report.warnings,
  }
}

function mapQueries(engine: Engine, { kind, weights }: BridgeMap, queries: Rows) {
  return adaptOn(engine, adapterKind(kind), weights, queries)
}

/** Ranks the test set's documents for native and mapped queries; what is not known is absent. */
async function measure(
  engine: Engine,
  { test, nativeQueries, ownDocuments }: BridgeData,
  map: BridgeMap,
  labelled: BridgeMap | undefined,
  { metric = TRAIN_DEFAULTS.metric, signal }: RunBridgeOptions,
) {
  if (!test) return {}
  const specs = DEFAULT_METRICS.includes(metric) ? DEFAULT_METRICS : [...DEFAULT_METRICS, metric]
  const evaluator = createEvaluator(test, specs)
  const queries = await mapQueries(engine, map, test.queries)
  const mapped = await evaluator.evaluateOn(engine, queries, { signal })
  const native = nativeQueries && (await evaluator.evaluateOn(engine, nativeQueries, { signal }))
  const withLabels =
    labelled && labelled !== map
      ? await evaluator.evaluateOn(engine, await mapQueries(engine, labelled, test.queries), { signal })
      : labelled && mapped
  const own =
    ownDocuments && (await createEvaluator({ ...test, docs: ownDocuments }, specs).evaluateOn(engine, test.queries, { signal }))
  const tieRank = tieRankOf(test.docIds)
  const first = async (rows: Rows) => {
    const { k, rows: found } = await topKOn(engine, rows, test.docs, NEIGHBOURS, tieRank, { signal })
    return Array.from({ length: rows.rows }, (_, i) => [...found.subarray(i * k, (i + 1) * k)])
  }
  const lists = nativeQueries && ([await first(nativeQueries), await first(queries)] as const)
  const overlap = lists && mean(lists[0].map((list, i) => shared(list, lists[1][i])))
  const { queryIds: ids, queryRows: rows } = evaluator
  /** Of the map that is put in use. */
  const shipped: ScoredQueries = { ids, rows, base: mapped, adapted: withLabels ?? mapped }
  return { mapped, native, withLabels, own, overlap, shipped }
}

/** Training queries of a map that was fitted without any. */
const NO_QUERIES: TrainedQueries = { of: 'vector', count: 0, hashes: '' }

/** Compares the adapter with the one in use. Without labels it never takes the place of one that labels have proven. */
async function stand(
  engine: Engine,
  data: BridgeData,
  candidate: Adapter,
  scored: ScoredQueries | undefined,
  { incumbent, replace: rule = REPLACE_DEFAULT, metric = TRAIN_DEFAULTS.metric, seed, signal }: RunBridgeOptions,
): Promise<Duel | undefined> {
  if (!incumbent) return undefined
  const contest = { incumbent, candidate, scored, rule }
  const found = await duel(engine, data, 'test', contest, { metric, seed: seed ?? TRAIN_DEFAULTS.seed, signal })
  const proven = (incumbent.training.gate as Partial<GateResult> | undefined)?.passed === true
  const unproven = (candidate.training.gate as Partial<GateResult> | undefined)?.passed !== true
  if (found.difference || !proven || !unproven || rule === 'always') return found
  return {
    ...found,
    replaces: false,
    reason: `${found.reason}; labels have proven that one, and not the new one: --replace ${rule}: not replaced`,
  }
}

function sentenceOf(
  verdict: BridgeVerdict,
  found: string,
  bounds: typeof RECOVERED | typeof OVERLAP,
  { base, index }: BridgeData,
  own: number | undefined,
): string {
  const smaller =
    base.dimensions < index.dimensions ? `; ${base.dimensions} dimensions cannot hold all that ${index.dimensions} do` : ''
  const anew = own === undefined ? '' : `; all documents embedded anew would reach ${own.toFixed(4)}`
  if (verdict === 'switch') return `good enough to switch: ${found}, at least ${percent(bounds.switch)}${anew}`
  if (verdict === 'bridge') {
    return `good enough to bridge while re-embedding, not to stay: ${found}, between ${percent(bounds.bridge)} and ${percent(bounds.switch)}${smaller}${anew}`
  }
  return `not usable: ${found}, less than ${percent(bounds.bridge)}: the models are too different${smaller}${anew}`
}

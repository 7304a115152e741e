import { type Adapter, outputDimensions } from '../adapters/adapter.js'
import type { PartName } from '../dataset/split.js'
import type { EmbedStats } from '../embed/stats.js'
import type { Engine } from '../engines/engine.js'
import { withEngine } from '../engines/index.js'
import { compareRankings } from '../evaluate/compare.js'
import { createEvaluator, type Scores } from '../evaluate/evaluator.js'
import { DEFAULT_METRICS } from '../evaluate/metrics.js'
import { formatRun, RUN_DEPTH } from '../evaluate/trec-run.js'
import { type Rows, truncateRows } from '../math/row-source.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { checkBase, type KnownModel, refuseBridge } from '../wrap/adapter-source.js'
import { type Segment, segmentsOf } from './checks.js'
import { countsOf, type EmbedSession, type PartCounts } from './embedded-parts.js'
import type { IndexReport } from './judge-index.js'
import type { MeasuredPart, OpenedData } from './open-data.js'
import { type Proof, type ProofDetail, proofDetail, prove } from './proof.js'
import { termsForCorpus } from './terms-step.js'
import type { ProofFigures, TrainingReport } from './training.js'

const NDCG = 'ndcg@10'
const JUDGED = 'judged@10'

/** Data, means of embedding and options of an evaluation. */
export interface RunEvaluationOptions extends EmbedSession {
  readonly data: OpenedData
  readonly adapter?: Adapter
  /** Another adapter on the same base, to compare with. */
  readonly against?: Adapter
  /** Returns the segment of a query, to compare in segments. */
  readonly segmentOf?: (id: string, text: string | undefined) => string | undefined
  /** Called with the rankings as TREC runs, of the base and of the adapter if there is one. */
  readonly onRuns?: (runs: { readonly base: string; readonly adapted?: string }) => void
  /** Evaluate an adapter of another base model. */
  readonly allowMismatch?: boolean
  /** Metrics as `name@k`. Default `DEFAULT_METRICS`. */
  readonly metrics?: readonly string[]
  /** Metric of wins and losses. Default `ndcg@10`, or the first of `metrics` if that is not among them. */
  readonly metric?: string
  readonly seed?: number
  /** Engine that computes the rankings. Default `auto`. */
  readonly engine?: string
  /** Device of the engine, see `EngineOptions`. */
  readonly device?: string
  /** Called with the details of the comparison per query, for a report; not without an adapter. */
  readonly onDetail?: (detail: ProofDetail) => void
}

/** Figures of the base model, and of the adapter if there is one. Metrics lie in [0, 1]. */
export interface EvaluationReport
  extends Partial<ProofFigures>,
    Pick<TrainingReport, 'engine' | 'engineDescription' | 'engineReason' | 'warnings'> {
  readonly base: { readonly id: string; readonly dimensions: number }
  readonly data: { readonly [part in PartName]?: PartCounts }
  /** Queries with a relevant document; only these are scored. */
  readonly queries: number
  readonly documents: number
  readonly metrics: {
    readonly base: Scores
    readonly adapted?: Scores
    /** By the index's own search; the others are those of the exact one. */
    readonly index?: { readonly base: Scores; readonly adapted?: Scores }
  }
  /** The index's own search beside the exact one. */
  readonly index?: IndexReport
  /** The adapter minus the other one. */
  readonly against?: Pick<Proof, 'difference' | 'wins' | 'ties' | 'losses'> & { readonly metrics: Scores }
  /** Base and adapter in segments of the queries, the largest first. */
  readonly segments?: readonly Segment[]
  /** Absent for vectors of your own. */
  readonly embedding?: EmbedStats
}

/**
 * Ranks all documents for every query of the test set (or the validation set, or the training set, if that is all there is) by
 * exact cosine similarity; scores the base model and the adapter, with the proof of the difference.
 * @throws ADAPTER_MISMATCH if the data are not of the adapter's base model
 * @throws as `OpenedData.embedMeasured`, `selectEngine` and `createEvaluator`
 */
export async function runEvaluation({ data, ...options }: RunEvaluationOptions): Promise<EvaluationReport> {
  const { adapter, provider } = options
  const check = (model: KnownModel): void => {
    for (const one of [adapter, options.against]) {
      if (!one) continue
      checkBase(one, model, options.allowMismatch)
      refuseBridge(one)
    }
  }
  // Before the first paid request.
  if (data.baseId === undefined && provider) check(provider)
  const measured = await data.embedMeasured(options)
  try {
    if (data.baseId !== undefined) check({ id: data.baseId, dimensions: measured.data.queries.cols })
    return await evaluate(measured, options)
  } finally {
    measured.close?.()
  }
}

async function evaluate(
  { part, embedding, data: whole, seen, index }: MeasuredPart,
  options: Omit<RunEvaluationOptions, 'data'>,
): Promise<EvaluationReport> {
  const { adapter: given, metrics: wanted = DEFAULT_METRICS, seed = TRAIN_DEFAULTS.seed, signal } = options
  const outputs = given ? outputDimensions(given) : whole.docs.cols
  // With documents judged not relevant, it is known how many of the first ten were never judged.
  const isPartly = whole.judgedNegatives && wanted.includes(NDCG) && !wanted.includes(JUDGED)
  const metrics = isPartly ? [...wanted, JUDGED] : wanted
  const truncated = outputs < whole.docs.cols
  const data = truncated ? { ...whole, docs: truncateRows(whole.docs, outputs) } : whole
  const { adapter, note }: { adapter?: Adapter; note?: string } = given ? termsForCorpus(given, data) : {}
  const metric = options.metric ?? (metrics.includes(TRAIN_DEFAULTS.metric) ? TRAIN_DEFAULTS.metric : metrics[0])
  return withEngine(options, async ({ engine, reason, warning }) => {
    const subject = { data, seen, ...(truncated && { whole }) }
    const proof = adapter && (await prove(engine, subject, adapter, { seed, metric, metrics, signal }))
    if (proof && options.onDetail)
      options.onDetail(await proofDetail(engine, subject, adapter, proof.scored, { seed, metric, signal }))
    const { scored, queries, ...facts } = proof ?? (await baseAlone(engine))
    const more = await beside(engine, scored)
    const searched = await throughIndex(engine)
    return {
      base: { id: data.baseId, dimensions: data.queries.cols },
      data: { [part]: countsOf(data) },
      queries,
      documents: data.docs.rows,
      ...facts,
      ...more,
      ...(searched && { index: searched.report, metrics: { ...facts.metrics, index: searched.metrics } }),
      engine: engine.name,
      engineDescription: engine.description,
      engineReason: reason,
      warnings: [warning, note, searched?.report.advice].filter(line => line !== undefined),
      ...(embedding && { embedding }),
    }
  })

  /** What is asked for besides the proof. */
  async function beside(engine: Engine, scored: Proof['scored'] | undefined) {
    const { against, segmentOf, onRuns } = options
    if (!onRuns && !segmentOf && !against) return {}
    const evaluator = createEvaluator(data, scored ? Object.keys(scored.adapted.perQuery) : metrics)
    const adaptedBy = (one: Adapter): Promise<Rows> => applyAdapterOn(engine, one, data.queries, data.queryTexts)
    if (onRuns) {
      const runOf = async (rows: Rows, tag: string) =>
        formatRun(evaluator.queryIds, data.docIds, await evaluator.rankOn(engine, rows, RUN_DEPTH, { signal }), tag)
      const base = await runOf(truncateRows(data.queries, data.docs.cols), 'base')
      onRuns({ base, ...(adapter && { adapted: await runOf(await adaptedBy(adapter), 'adapted') }) })
    }
    if (!scored) return {}
    const texts = scored.ids.map((id, i) => segmentOf?.(id, data.queryTexts?.[scored.rows[i]]))
    const segments = segmentOf && segmentsOf(scored.base, scored.adapted, texts, { metric, seed })
    if (!against) return { ...(segments && { segments }) }
    // By as many dimensions of the documents as it has outputs itself.
    const docs = truncateRows(whole.docs, Math.min(outputDimensions(against), whole.docs.cols))
    const rival =
      docs.cols === data.docs.cols ? evaluator : createEvaluator({ ...whole, docs }, Object.keys(scored.adapted.perQuery))
    const other = await rival.evaluateOn(engine, await adaptedBy(termsForCorpus(against, whole).adapter), { signal })
    const { difference, wins, ties, losses } = compareRankings(other, scored.adapted, { metric, seed })
    return { against: { metrics: other.mean, difference, wins, ties, losses }, ...(segments && { segments }) }
  }

  /** Runs the index's own search, with its dimensions alone. */
  async function throughIndex(engine: Engine) {
    if (!index || truncated) return undefined
    const base = data.queries
    const adapted = adapter && (await applyAdapterOn(engine, adapter, base, data.queryTexts))
    const { usingIndex } = await import('./index-data.js')
    const { judgeIndex } = await import('./judge-index.js')
    const { source, filter, effort } = index
    return usingIndex(source, opened => judgeIndex(engine, opened, data, { base, adapted }, { filter, effort, metrics, signal }))
  }

  async function baseAlone(engine: Engine) {
    const evaluator = createEvaluator(data, metrics)
    const base = await evaluator.evaluateOn(engine, data.queries, { signal })
    return { queries: evaluator.queryIds.length, metrics: { base: base.mean }, scored: undefined }
  }
}

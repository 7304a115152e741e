import { outputDimensions } from '../../adapters/adapter.js'
import { type EmbedDatasetOptions, embedDataset } from '../../embed/embed-dataset.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { countPairs } from '../../embed/embedded-dataset.js'
import type { SpillOptions } from '../../embed/matrix-builder.js'
import type { Engine } from '../../engines/engine.js'
import { selectEngine } from '../../engines/select.js'
import { isAdapterTrainError, messageOf } from '../../errors.js'
import { compareSystems, type System, type SystemsComparison } from '../../evaluate/compare-systems.js'
import { createEvaluator } from '../../evaluate/evaluator.js'
import type { Rows } from '../../math/row-source.js'
import { truncateRows } from '../../math/truncate.js'
import { MEMORY_DEFAULT } from '../../memory-limit.js'
import { applyAdapterOn } from '../../train/adapt-on.js'
import { TRAIN_DEFAULTS } from '../../train/defaults.js'
import { type Candidate, checkAdapter, costPerMillion, type EmbeddedBase } from './candidates.js'
import type { CandidateReport, CompareReport } from './compare-report.js'
import type { JudgedTexts } from './judged-texts.js'
import { type BasePlan, type ComparePlan, type PlanCompareOptions, planCompare } from './plan-compare.js'
import { adapterTime, embeddingTime, timedRows } from './query-time.js'

/** What is compared, on which queries, and how. */
export interface RunCompareOptions extends PlanCompareOptions, Partial<SpillOptions> {
  /** Seed of the resampling. */
  readonly seed?: number
  /** What computes the rankings: `auto` (the default) or an engine's name. */
  readonly engine?: string
  /** Device of the engine, see `EngineOptions`. */
  readonly device?: string
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal' | 'onPlan'>
  /** Called once, before any request, with what embedding will take, for each base with a provider. */
  readonly onPlan?: (plans: readonly BasePlan[]) => void
}

/** A candidate that was scored. */
type Scored = System & Omit<CandidateReport, 'metrics' | 'rank'>

/**
 * Scores any number of candidates on the same queries and documents by exact cosine similarity and compares each with each.
 * Candidates of one base are embedded once; what they cost is planned for all of them before anything is sent.
 *
 * @throws USAGE when there is no candidate, two have one name or are the same, or data are missing
 * @throws ADAPTER_MISMATCH when an adapter is not of its candidate's base
 * @throws DATASET_INVALID when no query has a relevant document, or vectors are of other queries, documents or pairs
 * @throws as `estimateDataset`, `embedDataset` and `selectEngine`
 */
export async function runCompare(
  candidates: readonly Candidate[],
  options: RunCompareOptions = {},
): Promise<CompareReport> {
  const { metric, seed = TRAIN_DEFAULTS.seed } = options
  const plan = await planCompare(candidates, options)
  options.onPlan?.(plan.plans)
  const { judged } = plan

  const { engine, reason, warning } = await selectEngine(options.engine ?? 'auto', { device: options.device })
  const warnings = warning ? [warning] : []
  try {
    const scored: Scored[] = []
    const embedding: CompareReport['embedding'][number][] = []
    const embed = embedder(plan, options)
    for (const base of plan.bases) {
      const { vectors, stats, close } = await embed(base)
      if (base.provider && stats) embedding.push({ base: base.provider.id, ...stats })
      try {
        const milliseconds = await timeBase(base, judged, options, warnings)
        for (const candidate of base.candidates) {
          scored.push(await score(engine, candidate, vectors, milliseconds, plan, options))
        }
      } finally {
        close?.()
      }
    }
    // In the order given, which decides between equals.
    const inOrder = candidates.map(({ name }) => scored.find(one => one.name === name)!)
    const pairs = countPairs(judged)
    return {
      ...reportOf(inOrder, compareSystems(inOrder, { metric, seed })),
      data: { name: judged.name, queries: judged.queryIds.length, pairs, documents: judged.docIds.length },
      ...{ seed, embedding, warnings },
      ...{ engine: engine.name, engineDescription: engine.description, engineReason: reason },
    }
  } finally {
    engine.dispose()
  }
}

/** Gives the vectors of one base after the other; progress counts the texts of all. */
function embedder({ plans, judged }: ComparePlan, options: RunCompareOptions) {
  const total = plans.reduce((sum, { unique }) => sum + unique, 0)
  const { data, cache, signal, embed, memory = MEMORY_DEFAULT, spillFolder } = options
  let before = 0
  return async ({ provider, vectors }: EmbeddedBase) => {
    if (!provider) {
      // By the ids of the data: equal scores are ordered by id.
      const { queryIds, docIds, positives } = judged
      return { vectors: { ...vectors, queryIds, docIds, positives } }
    }
    const onProgress: EmbedDatasetOptions['onProgress'] =
      embed?.onProgress && (progress => embed.onProgress!({ ...progress, done: before + progress.done, total }))
    const embedOptions = { ...embed, cache, signal, memory, spillFolder, onProgress }
    const { datasets, stats, close } = await embedDataset(provider, [data!], embedOptions)
    before += stats.unique
    return { vectors: datasets[0], stats, close }
  }
}

/** Milliseconds of embedding a query; what fails is told, and costs no result. `undefined` where nothing is timed. */
async function timeBase(
  { provider }: EmbeddedBase,
  { queryTexts }: JudgedTexts,
  { timing, signal }: RunCompareOptions,
  warnings: string[],
): Promise<number | null | undefined> {
  if (timing === false) return undefined
  if (!provider || !(timing || provider.isLocal)) return null
  const texts = Array.from(timedRows(queryTexts!.length), i => queryTexts![i]!)
  try {
    return await embeddingTime(provider, texts, signal)
  } catch (error) {
    if (isAdapterTrainError(error, 'ABORTED')) throw error
    warnings.push(`the time of a query of ${provider.id} could not be measured: ${messageOf(error)}`)
    return null
  }
}

async function score(
  engine: Engine,
  candidate: Candidate,
  vectors: EmbeddedDataset<Rows>,
  embedding: number | null | undefined,
  { specs, judged }: ComparePlan,
  { signal, allowMismatch }: RunCompareOptions,
): Promise<Scored> {
  const { name, adapter, provider } = candidate
  const base = provider?.id ?? vectors.baseId
  // The dimensions of some models are known only now.
  checkAdapter(candidate, { id: base, dimensions: vectors.queries.cols }, allowMismatch)
  const dimensions = adapter ? Math.min(outputDimensions(adapter), vectors.docs.cols) : vectors.docs.cols
  const docs = truncateRows(vectors.docs, dimensions)
  const queries = adapter ? await applyAdapterOn(engine, adapter, vectors.queries) : vectors.queries
  const bytes = dimensions * Float32Array.BYTES_PER_ELEMENT
  return {
    name,
    base,
    ...(adapter && { adapter: adapter.kind }),
    evaluation: await createEvaluator({ ...vectors, docs }, specs).evaluateOn(engine, queries, { signal }),
    costPerMillionQueries: costPerMillion(provider, judged.queryTexts),
    ...(embedding !== undefined && {
      milliseconds: { embedding, adapter: adapter ? adapterTime(adapter, vectors.queries) : 0 },
    }),
    dimensions,
    indexBytes: bytes * docs.rows,
    indexBytesPerMillion: bytes * 1e6,
  }
}

function reportOf(
  scored: readonly Scored[],
  { metric, queries, pairs, samples, order, tied, scores }: SystemsComparison,
): Pick<CompareReport, 'metric' | 'queries' | 'pairs' | 'samples' | 'candidates'> {
  const candidates = order.map((name, i) => {
    const { evaluation: _, base, adapter, ...facts } = scored.find(one => one.name === name)!
    const rank: 'best' | 'tied' | undefined = i === 0 ? 'best' : tied.includes(name) ? 'tied' : undefined
    return { ...facts, name, base, ...(adapter && { adapter }), ...(rank && { rank }), metrics: scores[name] }
  })
  return { metric, queries, candidates, pairs, samples }
}

import { outputDimensions } from '../../adapters/adapter.js'
import { memoryCache } from '../../cache/memory-cache.js'
import { type QADataset, selfMatchNotes } from '../../dataset/dataset.js'
import { type EmbedDatasetOptions, embedDataset } from '../../embed/embed-dataset.js'
import { countPairs, type EmbeddedDataset, labelledRows } from '../../embed/embedded-dataset.js'
import type { SpillOptions } from '../../embed/matrix-builder.js'
import type { EmbedStats } from '../../embed/stats.js'
import type { Engine } from '../../engines/engine.js'
import { withEngine } from '../../engines/index.js'
import { isAdapterTrainError, messageOf, usageError } from '../../errors.js'
import { compareSystems, type System, type SystemsComparison } from '../../evaluate/compare-systems.js'
import { createEvaluator } from '../../evaluate/evaluator.js'
import { evaluateRun, judgementsOf, type Run } from '../../evaluate/trec-run.js'
import { type Rows, truncateRows } from '../../math/row-source.js'
import type { Interval } from '../../math/statistics/bootstrap.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { applyAdapterOn } from '../../train/adapt-on.js'
import { TRAIN_DEFAULTS } from '../../train/options.js'
import { embedOptions, type PartCounts } from '../embedded-parts.js'
import { type HybridComparison, measureHybrids } from '../hybrid-rows.js'
import { adapterTime, embeddingTime, type QueryTime, timedRows } from '../query-time.js'
import type { RunEvaluationOptions } from '../run-evaluation.js'
import { termsForCorpus } from '../terms-step.js'
import type { TrainingReport } from '../training.js'
import { type CompareCandidate, checkAdapter, costPerMillion, type EmbeddedBase } from './candidates.js'
import { type BasePlan, type ComparePlan, type PlanCompareOptions, planCompare } from './plan-compare.js'

/** Options of `runCompare`. */
export interface RunCompareOptions
  extends PlanCompareOptions,
    Partial<SpillOptions>,
    Pick<RunEvaluationOptions, 'seed' | 'engine' | 'device'> {
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal' | 'onPlan'>
  /** Called once, before any request, with a plan per base with a provider. */
  readonly onPlan?: (plans: readonly BasePlan[]) => void
}

type Scored = System & Omit<CandidateReport, 'metrics' | 'rank'>

/**
 * Scores candidates on the same queries and documents by exact cosine similarity and compares all pairs. Candidates of one base are
 * embedded once; the cost of all is planned before anything is sent.
 * @throws USAGE without candidates, if two have one name or are the same, or without data
 * @throws ADAPTER_MISMATCH if an adapter is not of its candidate's base
 * @throws DATASET_INVALID if no query has a relevant document, or vectors are of other queries, documents or pairs
 * @throws as `estimateDataset`, `embedDataset` and `selectEngine`
 */
export async function runCompare(candidates: readonly CompareCandidate[], given: RunCompareOptions = {}): Promise<CompareReport> {
  const { metric, seed = TRAIN_DEFAULTS.seed } = given
  const planned = await planCompare(candidates, given)
  given.onPlan?.(planned.plans)
  const kept = given.embed?.skipRefused && given.data ? await withoutRefused(planned.bases, given) : undefined
  const options = kept ? { ...given, ...kept } : given
  const plan = kept && kept.data !== given.data ? await planCompare(candidates, options) : planned
  const { judged, specs } = plan

  return withEngine(options, async ({ engine, reason, warning }) => {
    const warnings = [...(warning ? [warning] : []), ...selfMatchNotes(judged.name, judged.selfMatches)]
    const scored: Scored[] = []
    const embedding: CompareReport['embedding'][number][] = []
    const embed = embedder(plan, options)
    const compared = metric ?? (specs.includes(TRAIN_DEFAULTS.metric) ? TRAIN_DEFAULTS.metric : specs[0])
    const hybrids = candidates.length > 0 ? measureHybrids(engine, judged, { metric: compared, seed }) : undefined
    for (const base of plan.bases) {
      const { vectors, stats, close } = await embed(base)
      if (base.provider && stats) {
        embedding.push({ base: base.provider.id, ...(kept?.stats.get(base.provider) ?? stats) })
      }
      try {
        const milliseconds = await timeOf(base, warnings)
        for (const candidate of base.candidates) {
          const { queries, docs, note, ...one } = await score(engine, candidate, vectors, milliseconds)
          scored.push(one)
          await hybrids?.add(candidate.name, queries, docs)
          if (note !== undefined) warnings.push(`candidate "${candidate.name}": ${note}`)
        }
      } finally {
        close?.()
      }
    }
    for (const { name, run } of options.runs ?? []) scored.push(scoreRun(name, run, warnings))
    // The order given decides between equals.
    const named = [...candidates, ...(options.runs ?? [])]
    const inOrder = named.map(({ name }) => scored.find(one => one.name === name)!)
    const { order, tied, scores, ...systems } = compareSystems(inOrder, { metric, seed })
    const reports = order.map((name, i): CandidateReport => {
      const { evaluation: _, base, adapter, ...facts } = scored.find(one => one.name === name)!
      const rank = i === 0 ? 'best' : tied.includes(name) ? 'tied' : undefined
      return { ...facts, name, base, ...(adapter && { adapter }), ...(rank && { rank }), metrics: scores[name] }
    })
    const pairs = countPairs(judged)
    return {
      metric: systems.metric,
      queries: systems.queries,
      candidates: reports,
      pairs: systems.pairs,
      samples: systems.samples,
      data: { name: judged.name, queries: judged.queryIds.length, pairs, documents: judged.docIds.length },
      ...(hybrids && { hybrid: hybrids.finish() }),
      seed,
      embedding,
      warnings,
      engine: engine.name,
      engineDescription: engine.description,
      engineReason: reason,
    }
  })

  /** Times embedding a query; a failure is a warning. `undefined` if nothing is timed. */
  async function timeOf({ provider }: EmbeddedBase, warnings: string[]): Promise<number | null | undefined> {
    const { timing, signal } = options
    if (timing === false) return undefined
    if (!provider || !(timing || provider.isLocal)) return null
    const texts = Array.from(timedRows(judged.queryTexts!.length), i => judged.queryTexts![i]!)
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
    candidate: CompareCandidate,
    vectors: EmbeddedDataset<Rows>,
    embedding: number | null | undefined,
  ): Promise<Scored & { readonly queries: Rows; readonly docs: Rows; readonly note?: string }> {
    const { name, provider, adapter: given } = candidate
    const { adapter, note }: Partial<ReturnType<typeof termsForCorpus>> = given ? termsForCorpus(given, vectors) : {}
    const base = provider?.id ?? vectors.baseId
    // The dimensions of some models are known only now.
    checkAdapter(candidate, { id: base, dimensions: vectors.queries.cols }, options.allowMismatch)
    const dimensions = adapter ? Math.min(outputDimensions(adapter), vectors.docs.cols) : vectors.docs.cols
    const docs = truncateRows(vectors.docs, dimensions)
    const { queryTexts } = vectors
    const queries = adapter ? await applyAdapterOn(engine, adapter, vectors.queries, queryTexts) : vectors.queries
    const evaluator = createEvaluator({ ...vectors, docs }, specs)
    const bytes = dimensions * Float32Array.BYTES_PER_ELEMENT
    return {
      name,
      docs,
      note,
      queries: truncateRows(queries, dimensions),
      base,
      ...(adapter && { adapter: adapter.kind }),
      evaluation: await evaluator.evaluateOn(engine, queries, { signal: options.signal }),
      costPerMillionQueries: costPerMillion(provider, judged.queryTexts),
      ...(embedding !== undefined && { milliseconds: { embedding, adapter: adapter ? adapterTime(adapter, vectors) : 0 } }),
      dimensions,
      indexBytes: bytes * docs.rows,
      indexBytesPerMillion: bytes * 1e6,
    }
  }

  function scoreRun(name: string, run: Run, warnings: string[]): Scored {
    const judgements = judgementsOf(judged, labelledRows(judged))
    const missing = judgements.queryIds.filter(id => !run.has(id))
    if (missing.length > 0) {
      warnings.push(
        `run "${name}" has no documents for ${missing.length} of ${judgements.queryIds.length} queries (such as "${missing[0]}"), which score 0`,
      )
    }
    return {
      name,
      base: 'run',
      evaluation: evaluateRun(run, judgements, specs),
      costPerMillionQueries: null,
      dimensions: null,
      indexBytes: null,
      indexBytesPerMillion: null,
    }
  }
}

/**
 * Embeds with every base what its model takes, and leaves what any of them refuses out of the data for all: figures are of the same
 * texts. The vectors come from the cache afterwards.
 */
async function withoutRefused(bases: readonly EmbeddedBase[], options: RunCompareOptions) {
  const { cache = memoryCache() } = options
  const stats = new Map<EmbeddingProvider, EmbedStats>()
  let data = options.data!
  for (const { provider } of bases) {
    if (!provider) continue
    const embedded = await embedDataset(provider, [data], embedOptions({ ...options, cache }))
    const { queryIds, docIds } = embedded.datasets[0]
    stats.set(provider, embedded.stats)
    embedded.close()
    if (queryIds.length < data.queries.size || docIds.length < data.corpus.size) data = restricted(data, queryIds, docIds)
  }
  const fixed = data === options.data ? undefined : bases.find(({ vectors }) => vectors)?.candidates[0]
  if (!fixed) return { data, cache, stats }
  const problem = `candidate "${fixed.name}": its vectors are of texts that another model refuses; expected the same texts for all`
  throw usageError(`${problem}. Compare it by itself, or remove those texts from the data`)
}

/** The part of a dataset with these queries and documents. */
function restricted(data: QADataset, queryIds: readonly string[], docIds: readonly string[]): QADataset {
  const queries = new Map(queryIds.map(id => [id, data.queries.get(id)!]))
  const corpus = new Map(docIds.map(id => [id, data.corpus.get(id)!]))
  const qrels = new Map(queryIds.map(id => [id, new Map([...(data.qrels.get(id) ?? [])].filter(([doc]) => corpus.has(doc)))]))
  return { ...data, queries, corpus, qrels }
}

function embedder({ plans, judged }: ComparePlan, options: RunCompareOptions) {
  const total = plans.reduce((sum, { unique }) => sum + unique, 0)
  const { data, embed } = options
  let before = 0
  return async ({ provider, vectors }: EmbeddedBase) => {
    if (!provider) {
      // Equal scores are ordered by the ids of the data.
      const { queryIds, docIds, positives, selfMatches } = judged
      const { queryTexts = vectors.queryTexts, docTexts = vectors.docTexts } = judged
      return { vectors: { ...vectors, queryIds, docIds, positives, selfMatches, queryTexts, docTexts } }
    }
    const onProgress: EmbedDatasetOptions['onProgress'] =
      embed?.onProgress && (progress => embed.onProgress!({ ...progress, done: before + progress.done, total }))
    const { datasets, stats, close } = await embedDataset(provider, [data!], { ...embedOptions(options), onProgress })
    before += stats.unique
    return { vectors: datasets[0], stats, close }
  }
}

/** Figures of one candidate. */
export interface CandidateReport {
  readonly name: string
  /** Id of the embedding space; `run` for the rankings of another system. */
  readonly base: string
  /** Kind of the adapter; absent without one. */
  readonly adapter?: string
  /** Mean of every metric over the queries with its 95% CI. */
  readonly metrics: Readonly<Record<string, Interval>>
  /** `tied` without a significant difference to the best; absent if it is worse. */
  readonly rank?: 'best' | 'tied'
  /** US dollars for embedding a million queries as long as those of the data; 0 if free, `null` if not known. */
  readonly costPerMillionQueries: number | null
  /** Absent without timing. */
  readonly milliseconds?: QueryTime
  /** Dimensions of a stored document vector; `null` for a run. */
  readonly dimensions: number | null
  /** Bytes of this corpus as float32, without the overhead of an index. */
  readonly indexBytes: number | null
  readonly indexBytesPerMillion: number | null
}

/** Figures of candidates on the same queries and documents, and of each pair. */
export interface CompareReport
  extends Pick<SystemsComparison, 'metric' | 'queries' | 'pairs' | 'samples'>,
    Pick<TrainingReport, 'engine' | 'engineDescription' | 'engineReason' | 'warnings'> {
  /** Size of the data; `queries` counts those with a relevant document, which are scored. */
  readonly data: PartCounts & { readonly name: string }
  /** Best first. */
  readonly candidates: readonly CandidateReport[]
  /** What a search by words adds to each candidate; a sentence if there is too much to measure. Absent without texts. */
  readonly hybrid?: HybridComparison | string
  readonly seed: number
  /** Work of the embedding, per base with a provider. */
  readonly embedding: readonly (EmbedStats & { readonly base: string })[]
}

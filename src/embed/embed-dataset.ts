import type { BatchOptions } from '../batch/run-batches.js'
import type { QADataset } from '../dataset/dataset.js'
import { AdapterTrainError } from '../errors.js'
import { matrix } from '../math/matrix.js'
import { isInMemory, type Rows, rowRange, selectedRows } from '../math/row-source.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { embedInBatches, withBatches } from './embed-in-batches.js'
import type { EmbeddedDataset } from './embedded-dataset.js'
import type { EmbeddingEstimate } from './estimate.js'
import {
  type MatrixBuilder,
  matrixBuilder,
  type SpillingBuilder,
  type SpillOptions,
  spillingBuilder,
} from './matrix-builder.js'
import { type EmbeddingPlan, type PlanOptions, planEmbedding } from './plan-embedding.js'
import { type EmbedStats, type RunOptions, runEmbedding } from './run-embedding.js'
import { uniqueTexts } from './unique-texts.js'

/** Everything that can be set about embedding data sets; progress counts the queries and documents of all of them. */
export type EmbedDatasetOptions = Omit<PlanOptions, 'label'> &
  RunOptions & {
    /** Called once, before any request, with what embedding will take. */
    readonly onPlan?: (estimate: EmbeddingEstimate) => void
    /** How to go about batches, where the provider embeds through a Batch API (`batchApi`). */
    readonly batches?: BatchOptions
  }

/**
 * Embeds the queries and documents of several data sets, each distinct text once, also where data sets share it.
 *
 * With `memory`, vectors that take more bytes than that go to a temporary file, out of which their rows are read when they are
 * needed; nothing is left of it when the process ends.
 *
 * @param datasets such as the training, validation and test part of one
 * @returns one embedded data set for each, in order, and the statistics of queries and documents summed; `close` gives the space of
 *   the temporary file back
 * @throws PROVIDER_INPUT when any text of any data set cannot be embedded; before any request
 * @throws DATASET_INVALID when a judgement names a document that the corpus does not have; before any request
 * @throws PROVIDER_REQUEST, PROVIDER_RESPONSE, VECTOR_INVALID or ABORTED as `embedTexts` does
 * @throws FILE_WRITE when the temporary file has no room
 */
export function embedDataset(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  options: EmbedDatasetOptions & SpillOptions,
): Promise<{
  datasets: EmbeddedDataset<Rows>[]
  stats: EmbedStats
  /** Gives the space of the temporary file back. */
  close: () => void
}>
export function embedDataset(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  options?: EmbedDatasetOptions,
): Promise<{ datasets: EmbeddedDataset[]; stats: EmbedStats }>
export async function embedDataset(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  options: EmbedDatasetOptions & Partial<SpillOptions> = {},
): Promise<{ datasets: EmbeddedDataset<Rows>[]; stats: EmbedStats; close?(): void }> {
  const { memory, spillFolder } = options
  if (memory === undefined) return embedAll(provider, datasets, options, matrixBuilder)
  const builders: SpillingBuilder[] = []
  const close = (): void => {
    for (const builder of builders) builder.close()
  }
  try {
    const embedded = await embedAll(provider, datasets, options, (rows, total) => {
      const builder = spillingBuilder(rows, total, { memory, spillFolder })
      builders.push(builder)
      return builder
    })
    return { ...embedded, close }
  } catch (error) {
    close()
    throw error
  }
}

/** @param newBuilder makes what takes the vectors of one role, of `total` in both */
async function embedAll<V extends Rows>(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  options: EmbedDatasetOptions,
  newBuilder: (rows: number, total: number) => MatrixBuilder<V>,
): Promise<{ datasets: EmbeddedDataset<Rows>[]; stats: EmbedStats }> {
  const { corpora, corpusOf } = distinctCorpora(datasets)
  const judged = datasets.map((dataset, i) => judgedRows(dataset, corpusOf[i].docIds))

  const rows = { query: 0, document: 0 }
  for (const { queries } of datasets) rows.query += queries.size
  for (const { docIds } of corpora) rows.document += docIds.length
  const total = rows.query + rows.document

  // Both roles are planned before either is run: a text that cannot be embedded must not be found after half is paid for.
  const plan = (role: Role, lists: readonly { name: string; texts: ReadonlyMap<string, string> }[]) => {
    const items = lists.flatMap(({ name, texts }) => Array.from(texts, ([id, text]) => ({ id, text, name })))
    const texts = items.map(item => item.text)
    const label = (i: number): string => `${role} ${items[i].id} of ${items[i].name}`
    const planOptions = { cache: options.cache, signal: options.signal, label }
    return planEmbedding(provider, texts, role, planOptions, newBuilder(rows[role], total))
  }
  let queryPlan = await plan(
    'query',
    datasets.map(({ name, queries }) => ({ name, texts: queries })),
  )
  let docPlan = await plan('document', corpora)

  options.onPlan?.(estimateOf(provider, [queryPlan, docPlan]))

  const inBatches = await embedInBatches([queryPlan, docPlan], options)
  if (inBatches) [queryPlan, docPlan] = inBatches.plans

  const started = performance.now()
  const { onProgress } = options
  const progressAfter = (before: { done: number; tokens: number; requests: number }): RunOptions['onProgress'] =>
    onProgress &&
    (({ done, tokens, requests }) =>
      onProgress({
        done: before.done + done,
        total: queryPlan.unique.texts.length + docPlan.unique.texts.length,
        hits: queryPlan.hits + docPlan.hits,
        tokens: before.tokens + tokens,
        requests: before.requests + requests,
        elapsedMs: performance.now() - started,
      }))
  const ofQueries = await runEmbedding(queryPlan, {
    ...options,
    onProgress: progressAfter({ done: docPlan.hits, tokens: 0, requests: 0 }),
  })
  const ofDocs = await runEmbedding(docPlan, {
    ...options,
    onProgress: progressAfter({ ...ofQueries.stats, done: ofQueries.stats.unique }),
  })

  const cols = commonLength(provider, ofQueries.vectors, ofDocs.vectors)
  const docs = split(
    ofDocs.vectors,
    corpora.map(c => c.docIds.length),
    cols,
  )
  const queries = split(
    ofQueries.vectors,
    datasets.map(d => d.queries.size),
    cols,
  )
  const embedded = datasets.map((dataset, i) => ({
    baseId: provider.id,
    queryIds: [...dataset.queries.keys()],
    docIds: corpusOf[i].docIds,
    queries: queries[i],
    docs: docs[corpora.indexOf(corpusOf[i])],
    ...judged[i],
    docTextGroup: corpusOf[i].docTextGroup,
  }))
  return { datasets: embedded, stats: withBatches(sumOf(ofQueries.stats, ofDocs.stats), inBatches?.outcome) }
}

function estimateOf(provider: EmbeddingProvider, plans: readonly EmbeddingPlan<Rows>[]): EmbeddingEstimate {
  const total = (count: (plan: EmbeddingPlan<Rows>) => number): number =>
    plans.reduce((sum, plan) => sum + count(plan), 0)
  const tokens = total(plan => plan.tokens.reduce((sum, n) => sum + n, 0))
  const estimate = {
    texts: total(plan => plan.unique.indexOf.length),
    unique: total(plan => plan.unique.texts.length),
    cached: total(plan => plan.hits),
    missing: total(plan => plan.missing.length),
    tokens,
  }
  return provider.price === undefined ? estimate : { ...estimate, cost: (tokens / 1e6) * provider.price }
}

interface Corpus {
  /** Of the first data set that has it. */
  readonly name: string
  readonly texts: ReadonlyMap<string, string>
  readonly docIds: readonly string[]
  readonly docTextGroup: Uint32Array
}

function distinctCorpora(datasets: readonly QADataset[]): { corpora: Corpus[]; corpusOf: Corpus[] } {
  const corpora: Corpus[] = []
  const corpusOf = datasets.map(({ name, corpus }) => {
    const known = corpora.find(c => sameEntries(c.texts, corpus))
    if (known !== undefined) return known
    const { indexOf: docTextGroup } = uniqueTexts([...corpus.values()])
    const added = { name, texts: corpus, docIds: [...corpus.keys()], docTextGroup }
    corpora.push(added)
    return added
  })
  return { corpora, corpusOf }
}

/** Equal texts under equal ids in equal order: the order is that of the rows. */
function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  const others = b.entries()
  for (const [id, text] of a) {
    const [otherId, otherText] = others.next().value as [string, string]
    if (id !== otherId || text !== otherText) return false
  }
  return true
}

function judgedRows(
  dataset: QADataset,
  docIds: readonly string[],
): Pick<EmbeddedDataset, 'positives' | 'judgedNegatives'> {
  const rowOf = new Map(docIds.map((id, row) => [id, row]))
  const judgedNegatives: number[][] = []
  const positives = Array.from(dataset.queries.keys(), queryId => {
    const grades = new Map<number, number>()
    const negatives: number[] = []
    judgedNegatives.push(negatives)
    for (const [docId, grade] of dataset.qrels.get(queryId) ?? []) {
      const docRow = rowOf.get(docId)
      if (!(grade > 0)) {
        // Judgements of pooled results often name documents that a corpus leaves out; a negative that is not there is none.
        if (docRow !== undefined) negatives.push(docRow)
        continue
      }
      if (docRow === undefined) {
        throw new AdapterTrainError(
          'DATASET_INVALID',
          `${dataset.name} judges document ${docId} for query ${queryId}, but its corpus has no such document: ` +
            'add the document or remove the judgement',
          { details: { dataset: dataset.name, queryId, docId } },
        )
      }
      grades.set(docRow, grade)
    }
    return grades
  })
  return judgedNegatives.some(rows => rows.length > 0) ? { positives, judgedNegatives } : { positives }
}

function commonLength(provider: EmbeddingProvider, queries: Rows, docs: Rows): number {
  if (queries.rows > 0 && docs.rows > 0 && queries.cols !== docs.cols) {
    throw new AdapterTrainError(
      'PROVIDER_RESPONSE',
      `${provider.id} gives queries ${queries.cols} values and documents ${docs.cols}, expected vectors of one length`,
      { details: { provider: provider.id } },
    )
  }
  return queries.rows > 0 ? queries.cols : docs.cols
}

/** Consecutive row blocks, as views: the vectors of a large corpus are held once. */
function split(all: Rows, rows: readonly number[], cols: number): Rows[] {
  let start = 0
  return rows.map(n => {
    const first = start
    start += n
    if (!isInMemory(all)) return n === all.rows ? all : selectedRows(all, rowRange(first, n))
    return matrix(n, cols, n === all.rows ? all.data : all.data.subarray(first * cols, start * cols))
  })
}

function sumOf(a: EmbedStats, b: EmbedStats): EmbedStats {
  return {
    texts: a.texts + b.texts,
    unique: a.unique + b.unique,
    hits: a.hits + b.hits,
    misses: a.misses + b.misses,
    requests: a.requests + b.requests,
    retries: a.retries + b.retries,
    tokens: a.tokens + b.tokens,
  }
}

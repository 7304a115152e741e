import type { BatchOptions } from '../batch-api/run-batches.js'
import { memoryCache } from '../cache/memory-cache.js'
import { type QADataset, selfMatches } from '../dataset/dataset.js'
import { AdapterTrainError } from '../errors.js'
import { matrix } from '../math/matrix.js'
import { isInMemory, type Rows, rowRange, selectedRows } from '../math/row-source.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { embedInBatches, withBatches } from './embed-in-batches.js'
import type { EmbeddedDataset } from './embedded-dataset.js'
import { type EmbeddingEstimate, estimateOfPlans, sum } from './estimate.js'
import { uniqueTexts } from './look-up.js'
import type { MatrixBuilder, SpillingBuilder, SpillOptions } from './matrix-builder.js'
import { matrixBuilder, spillingBuilder } from './matrix-builder.js'
import { type EmbedPlanOptions, planEmbedding } from './plan-embedding.js'
import { RefusedTexts } from './refusals.js'
import { type EmbedRunOptions, runEmbedding } from './run-embedding.js'
import type { EmbedStats } from './stats.js'

/** Options of embedding datasets; progress counts the queries and documents of all of them. */
export type EmbedDatasetOptions = Omit<EmbedPlanOptions, 'label'> &
  EmbedRunOptions & {
    /** Called once, before any request. */
    readonly onPlan?: (estimate: EmbeddingEstimate) => void
    /** For a provider that embeds through a Batch API (`batchApi`). */
    readonly batches?: BatchOptions
    /**
     * True to leave out texts that the model refuses, with their judgements and the queries that then have no relevant document;
     * `onWarning` lists them.
     */
    readonly skipRefused?: boolean
  }

/**
 * Embeds the queries and documents of several datasets, each distinct text once, even if datasets share it.
 *
 * With `memory`, vectors that take more bytes go to a temporary file, from which rows are read on demand; nothing is left of it
 * when the process ends.
 * @returns one embedded dataset per dataset, and the summed statistics; `close` frees the temporary file
 * @throws PROVIDER_INPUT if any text cannot be embedded; before any request
 * @throws DATASET_INVALID if a judgement names a document that the corpus does not have; before any request
 * @throws PROVIDER_REQUEST, PROVIDER_RESPONSE, VECTOR_INVALID or ABORTED as `embedTexts` does
 * @throws FILE_WRITE if the temporary file has no room
 */
export function embedDataset(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  options: EmbedDatasetOptions & SpillOptions,
): Promise<{
  datasets: EmbeddedDataset<Rows>[]
  stats: EmbedStats
  /** Frees the temporary file. */
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
  const close = () => {
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

/** @param newBuilder makes the builder for the vectors of one role, of `total` in both */
async function embedAll<V extends Rows>(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  options: EmbedDatasetOptions,
  newBuilder: (rows: number, total: number) => MatrixBuilder<V>,
): Promise<{ datasets: EmbeddedDataset<Rows>[]; stats: EmbedStats }> {
  if (!options.skipRefused) return embedOnce(provider, datasets, options, newBuilder)
  const { cache = memoryCache(), onWarning } = options
  let stats: EmbedStats | undefined
  const left: { role: Role; text: string }[] = []
  for (let rest = datasets; ; ) {
    const quiet = stats && { onWarning: undefined, onProgress: undefined, onPlan: undefined }
    try {
      const embedded = await embedOnce(provider, rest, { ...options, ...quiet, cache }, newBuilder)
      return { ...embedded, stats: stats ?? embedded.stats }
    } catch (error) {
      if (!(error instanceof RefusedTexts)) throw error
      stats ??= error.stats as EmbedStats
      left.push(...error.refusals)
      const names = error.refusals.map(({ name, reason }) => `${name}: ${reason}`)
      rest = datasets.map(dataset => withoutTexts(dataset, left))
      // A corpus alone has no queries to begin with.
      if (rest.some(({ queries, corpus }, i) => corpus.size === 0 || (queries.size === 0 && datasets[i].queries.size > 0)))
        throw error
      onWarning?.(`${names.length} texts that ${provider.id} refuses are left out:\n  ${names.join('\n  ')}`)
    }
  }
}

function withoutTexts(dataset: QADataset, refused: readonly { role: Role; text: string }[]): QADataset {
  const of = (role: Role) => new Set(refused.filter(one => one.role === role).map(({ text }) => text))
  const [noQueries, noDocuments] = [of('query'), of('document')]
  const corpus = new Map([...dataset.corpus].filter(([, text]) => !noDocuments.has(text)))
  const qrels = new Map(
    Array.from(dataset.qrels, ([id, grades]): [string, Map<string, number>] => {
      return [id, new Map([...grades].filter(([docId]) => corpus.has(docId) || !dataset.corpus.has(docId)))]
    }),
  )
  const isRelevant = (id: string, judged: QADataset['qrels']) => [...(judged.get(id)?.values() ?? [])].some(g => g > 0)
  const queries = new Map(
    [...dataset.queries].filter(
      ([id, text]) => !noQueries.has(text) && (isRelevant(id, qrels) || !isRelevant(id, dataset.qrels)),
    ),
  )
  for (const id of qrels.keys()) if (!queries.has(id)) qrels.delete(id)
  return { ...dataset, corpus, queries, qrels }
}

/** As {@link embedAll}, without leaving anything out. @throws RefusedTexts */
async function embedOnce<V extends Rows>(
  provider: EmbeddingProvider,
  datasets: readonly QADataset[],
  options: EmbedDatasetOptions,
  newBuilder: (rows: number, total: number) => MatrixBuilder<V>,
): Promise<{ datasets: EmbeddedDataset<Rows>[]; stats: EmbedStats }> {
  const { corpora, corpusOf } = distinctCorpora(datasets)
  const judged = datasets.map((dataset, i) => judgedRows(dataset, corpusOf[i].docIds))

  const counts = { query: datasets.map(d => d.queries.size), document: corpora.map(c => c.docIds.length) }
  const rows = { query: sum(counts.query), document: sum(counts.document) }

  // Both roles are planned before either is run: a text that cannot be embedded must not be found after half is paid for.
  const plan = (role: Role, lists: readonly { name: string; texts: ReadonlyMap<string, string> }[]) => {
    const items = lists.flatMap(({ name, texts }) => Array.from(texts, ([id, text]) => ({ id, text, name })))
    const texts = items.map(item => item.text)
    const label = (i: number): string => `${role} ${items[i].id} of ${items[i].name}`
    const planOptions = { cache: options.cache, signal: options.signal, label }
    return planEmbedding(provider, texts, role, planOptions, newBuilder(rows[role], rows.query + rows.document))
  }
  const asked = datasets.map(({ name, queries }) => ({ name, texts: queries }))
  let queryPlan = await plan('query', asked)
  let docPlan = await plan('document', corpora)

  options.onPlan?.(estimateOfPlans([queryPlan, docPlan]))

  const inBatches = await embedInBatches([queryPlan, docPlan], options)
  if (inBatches) [queryPlan, docPlan] = inBatches.plans

  const started = performance.now()
  const { onProgress } = options
  const progressAfter = (before: { done: number; tokens: number; requests: number }): EmbedRunOptions['onProgress'] =>
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
  const ofFirst = progressAfter({ done: docPlan.hits, tokens: 0, requests: 0 })
  const ofQueries = await runEmbedding(queryPlan, { ...options, onProgress: ofFirst })
  const ofSecond = progressAfter({ ...ofQueries.stats, done: ofQueries.stats.unique })
  const ofDocs = await runEmbedding(docPlan, { ...options, onProgress: ofSecond })

  const stats = withBatches(sumOf(ofQueries.stats, ofDocs.stats), inBatches?.outcome)
  const refusals = [...(inBatches?.refusals ?? []), ...ofQueries.refusals, ...ofDocs.refusals]
  if (refusals.length > 0) throw new RefusedTexts(provider.id, refusals, stats)
  const cols = commonLength(provider, ofQueries.vectors, ofDocs.vectors)
  const docs = split(ofDocs.vectors, counts.document, cols)
  const queries = split(ofQueries.vectors, counts.query, cols)
  const embedded = datasets.map((dataset, i) => {
    const { docIds, docTexts, docTextGroup } = corpusOf[i]
    const own = selfMatches(dataset)
    return {
      baseId: provider.id,
      queryIds: [...dataset.queries.keys()],
      docIds,
      queries: queries[i],
      docs: docs[corpora.indexOf(corpusOf[i])],
      ...judged[i],
      docTextGroup,
      ...(own.size > 0 && { selfMatches: own }),
      queryTexts: [...dataset.queries.values()],
      docTexts,
    }
  })
  return { datasets: embedded, stats }
}

/** Corpora under the name of the first dataset that has them, and the corpus of each dataset. */
function distinctCorpora(datasets: readonly QADataset[]) {
  const corpora: ReturnType<typeof readCorpus>[] = []
  const corpusOf = datasets.map(dataset => {
    const known = corpora.find(({ texts }) => sameEntries(texts, dataset.corpus))
    const corpus = known ?? readCorpus(dataset)
    if (!known) corpora.push(corpus)
    return corpus
  })
  return { corpora, corpusOf }
}

function readCorpus({ name, corpus: texts }: QADataset) {
  const docTexts = [...texts.values()]
  return { name, texts, docIds: [...texts.keys()], docTexts, docTextGroup: uniqueTexts(docTexts).indexOf }
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

function judgedRows(dataset: QADataset, docIds: readonly string[]) {
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
  return Object.fromEntries(Object.entries(a).map(([key, n]) => [key, n + b[key as keyof EmbedStats]])) as EmbedStats
}

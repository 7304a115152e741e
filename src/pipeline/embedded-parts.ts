import { createHash } from 'node:crypto'
import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import { describeDataset } from '../dataset/describe.js'
import { hashDataset } from '../dataset/hash.js'
import { pseudoQueries } from '../dataset/pseudo-queries.js'
import { type DatasetSplit, PART_NAMES, type PartName } from '../dataset/split.js'
import { foldText } from '../dataset/text.js'
import { type EmbedDatasetOptions, embedDataset } from '../embed/embed-dataset.js'
import { countPairs, type EmbeddedDataset, type VectorParts } from '../embed/embedded-dataset.js'
import type { SpillOptions } from '../embed/matrix-builder.js'
import type { EmbedStats } from '../embed/stats.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { type RelevantKeys, relevantTexts, relevantVectors, seenQueries } from '../evaluate/seen.js'
import { getOrInsert } from '../maps.js'
import { type Projection, projectRows } from '../math/projection.js'
import { blocksOf, type Rows, truncateRows } from '../math/row-source.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'
import { type ComposedProvider, composeProviders, isComposed } from '../providers/compose.js'
import type { EmbeddingProvider, ProviderFacts } from '../providers/provider.js'
import { fitPca } from '../train/pca.js'
import { RECIPE } from '../train/recipe.js'
import { type TermDocuments, termDocuments } from '../train/terms/corpus-terms.js'
import { groupRows } from '../vectors/row-groups.js'

/** Size of a dataset. */
export interface PartCounts {
  readonly queries: number
  /** (query, relevant document) pairs. */
  readonly pairs: number
  readonly documents: number
}

/** Keys of texts, or of vectors if texts are not known; equal keys mean equal things. */
export interface TrainKeys {
  readonly queries: readonly string[]
  /** Keys of the relevant documents of each query row. */
  readonly relevant: RelevantKeys
}

/** Scored queries: ids, and rows in their part. */
export interface QueryRows {
  readonly ids: readonly string[]
  readonly rows: Uint32Array
}

/** The embedded parts of a training run, with what choice and proof need to know of their texts. */
export interface EmbeddedParts extends VectorParts<Rows> {
  readonly baseId: string
  /** Facts that open the base model again; absent for vectors of your own. */
  readonly provider?: ProviderFacts
  /** Dimensions of each part of a composed model. */
  readonly blocks?: readonly number[]
  /** Pseudo-queries for documents of the training set, with their weights. */
  readonly pseudo?: EmbeddedDataset<Rows>
  readonly counts: { readonly [part in PartName]?: PartCounts }
  readonly embedding?: EmbedStats
  readonly seconds?: number
  /** `corpusTexts` with vectors. */
  readonly corpus?: TermDocuments
  /** The same parts with whole documents, if these are truncated, or with whole vectors, if these are reduced. */
  readonly whole?: EmbeddedParts
  /** SHA-256 of the data, hex. */
  sha256(): string
  /** Returns, per query, true if a relevant document has training queries. */
  seen(part: PartName, queries: QueryRows): boolean[]
  /** Returns what identifies the training queries and their relevant documents. */
  trainKeys(): TrainKeys
  /** Frees the disk space of vectors that exceed the memory limit. */
  close?(): void
}

/** Means of embedding; vectors of your own need no provider. */
export interface EmbedSession extends Partial<SpillOptions> {
  readonly provider?: EmbeddingProvider
  readonly cache?: EmbeddingCache
  readonly signal?: AbortSignal
  /** Concurrency, retries, progress. */
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
}

/** What the parts of a training run are embedded with besides a provider. */
export interface EmbedPartsOptions extends EmbedSession {
  /** Draws the documents whose pseudo-queries are embedded too; none if absent. */
  readonly pseudoSeed?: number
  /** Dimensions that composed vectors are reduced to, or the projection that does it. */
  readonly pca?: number | Projection
  /** Documents to make text terms from, embedded with the parts, as one plan: id -> text. */
  readonly corpusTexts?: ReadonlyMap<string, string>
}

/** Returns the options of `embedDataset`, with a memory limit. */
export function embedOptions({ embed, cache, signal, memory = MEMORY_DEFAULT, spillFolder }: EmbedSession) {
  return { ...embed, cache, signal, memory, spillFolder }
}

/** Embeds the parts of a dataset. With `pca`, the vectors of a composed model are reduced by the training documents. */
export async function embedParts(
  provider: EmbeddingProvider,
  parts: DatasetSplit,
  { pseudoSeed, pca, corpusTexts, ...session }: EmbedPartsOptions = {},
): Promise<EmbeddedParts> {
  if (pca !== undefined) checkReducible(provider)
  const names = PART_NAMES.filter(name => parts[name])
  const pseudo = pseudoSeed === undefined ? undefined : pseudoQueries(parts.train, pseudoSeed)
  const corpus = corpusTexts && corpusSet(corpusTexts)
  const sets = [...names.map(name => parts[name]!), ...(pseudo ? [pseudo] : []), ...(corpus ? [corpus] : [])]
  const { datasets, stats, close } = await embedDataset(provider, sets, embedOptions(session))
  const counts = names.map(name => {
    const { queries, pairs, documents } = describeDataset(parts[name]!)
    return [name, { queries, pairs, documents }]
  })
  const trained = once(() => relevantTexts(parts.train))
  const whole: EmbeddedParts = {
    ...modelOf(provider),
    ...(Object.fromEntries(names.map((name, i) => [name, datasets[i]])) as { train: EmbeddedDataset<Rows> }),
    ...(pseudo && { pseudo: { ...datasets[names.length], weights: pseudoWeights(pseudo.queries.size) } }),
    ...(corpus && { corpus: termDocuments(datasets.at(-1)!) }),
    counts: Object.fromEntries(counts),
    embedding: stats,
    close,
    sha256: once(() => combinedHash(PART_NAMES.map(name => parts[name] && hashDataset(parts[name])))),
    seen: (part, { ids }) => seenQueries(trained(), relevantTexts(parts[part]!, ids)),
    trainKeys: () => ({ queries: Array.from(parts.train.queries.values(), foldText), relevant: trained() }),
  }
  if (pca === undefined) return whole
  const reduced = await reduceModel(provider, whole.train.docs, pca)
  const projected = withSharedDocuments(
    docs => projectRows(docs, reduced.pca, true),
    queries => projectRows(queries, reduced.pca, false),
  )
  const model = modelOf(reduced.provider)
  return { ...whole, ...model, ...mapSets(whole, data => ({ ...projected(data), baseId: model.baseId })), whole }
}

/** Takes documents as a dataset without queries. `corpus`: id -> text. @throws DATASET_INVALID without any */
export function corpusSet(corpus: ReadonlyMap<string, string>): QADataset {
  if (corpus.size === 0) throw new AdapterTrainError('DATASET_INVALID', 'the corpus has no documents')
  return { name: 'corpus', queries: new Map(), corpus, qrels: new Map() }
}

/** @throws USAGE without a training set */
export function withTrain(parts: Partial<DatasetSplit>): DatasetSplit {
  if (parts.train) return parts as DatasetSplit
  throw usageError('nothing to train on: expected a training set, found none')
}

/** Makes the function that finds queries of a part whose documents have training queries; none without another training set. */
export function seenByText({ train, ...parts }: Partial<DatasetSplit>, part: PartName) {
  if (!train || part === 'train') return undefined
  const trained = once(() => relevantTexts(train))
  return ({ ids }: Pick<QueryRows, 'ids'>) => seenQueries(trained(), relevantTexts(parts[part]!, ids))
}

function modelOf(provider: EmbeddingProvider): Pick<EmbeddedParts, 'baseId' | 'provider' | 'blocks'> {
  const isWhole = isComposed(provider) && !provider.pca
  return {
    baseId: provider.id,
    provider: provider.facts ?? { name: 'custom' },
    blocks: isWhole ? provider.parts.map(({ dimensions }) => dimensions!) : undefined,
  }
}

/** Changes every part, and the pseudo-queries. */
export function mapSets(
  parts: EmbeddedParts,
  change: (data: EmbeddedDataset<Rows>) => EmbeddedDataset<Rows>,
): Pick<EmbeddedParts, PartName | 'pseudo'> {
  const names = [...PART_NAMES, 'pseudo'] as const
  const changed = names.flatMap(name => (parts[name] ? [[name, change(parts[name])] as const] : []))
  return Object.fromEntries(changed) as Pick<EmbeddedParts, PartName | 'pseudo'>
}

/** Changes the vectors of datasets; those with the same corpus share its vectors, and go on doing so. */
function withSharedDocuments(changeDocs: (docs: Rows) => Rows, changeQueries = (queries: Rows) => queries) {
  const known = new Map<Rows, Rows>()
  return (data: EmbeddedDataset<Rows>): EmbeddedDataset<Rows> => ({
    ...data,
    queries: changeQueries(data.queries),
    docs: getOrInsert(known, data.docs, () => changeDocs(data.docs)),
  })
}

/**
 * Reduces a composed model.
 * @param documents decide, if no projection is given
 * @throws USAGE if the model is not composed, or reduced already; and as `fitPca`
 */
export async function reduceModel(provider: EmbeddingProvider, documents: Rows, wanted: number | Projection) {
  checkReducible(provider)
  const pca = typeof wanted === 'number' ? await fitPca(documents, wanted) : wanted
  return { provider: composeProviders(provider.parts, { pca, facts: provider.facts }), pca }
}

/** @throws USAGE unless a model is composed of parts, and not reduced yet */
export function checkReducible(provider: EmbeddingProvider | undefined): asserts provider is ComposedProvider {
  if (provider && isComposed(provider) && !provider.pca) return
  const found = provider?.id ?? 'vectors of your own'
  throw usageError(`pca: expected a model composed of parts (--base compose), not reduced yet, found ${found}`)
}

function pseudoWeights(count: number): Float32Array {
  return new Float32Array(count).fill(Math.min(1, RECIPE.pseudoWeight / count))
}

/** Takes vectors of your own as embedded parts. */
export function partsFromVectors(parts: VectorParts<Rows>): EmbeddedParts {
  const trained = once(() => relevantVectors(parts.train))
  return {
    baseId: parts.train.baseId,
    ...parts,
    counts: Object.fromEntries(PART_NAMES.flatMap(name => (parts[name] ? [[name, countsOf(parts[name])]] : []))),
    sha256: once(() => combinedHash(PART_NAMES.map(name => parts[name] && hashVectors(parts[name])))),
    seen: (part, { rows }) => seenQueries(trained(), relevantVectors(parts[part]!, rows)),
    trainKeys() {
      const { queries, queryTexts } = parts.train
      const texts = queryTexts?.map(text => (text === undefined ? undefined : foldText(text)))
      return { queries: Array.from(groupRows(queries, texts), String), relevant: trained() }
    },
  }
}

export function countsOf(data: EmbeddedDataset<Rows>): PartCounts {
  return { queries: data.queries.rows, pairs: countPairs(data), documents: data.docs.rows }
}

/** Computes a value when it is first asked for. */
export function once<T>(compute: () => T): () => T {
  let value: { readonly it: T } | undefined
  return () => {
    value ??= { it: compute() }
    return value.it
  }
}

/** SHA-256 over the hashes of the parts, `-` for an absent one, each on a line. */
function combinedHash(hashes: readonly (string | undefined)[]): string {
  return createHash('sha256')
    .update(hashes.map(hash => `${hash ?? '-'}\n`).join(''))
    .digest('hex')
}

function hashVectors({ queries, docs, positives, judgedNegatives }: EmbeddedDataset<Rows>): string {
  const hash = createHash('sha256')
  for (const vectors of [queries, docs]) {
    hash.update(`${vectors.rows} ${vectors.cols}\n`)
    for (const { block } of blocksOf(vectors)) hash.update(block.data)
  }
  hash.update(JSON.stringify(positives.map(map => [...map])))
  if (judgedNegatives) hash.update(JSON.stringify(judgedNegatives))
  return hash.digest('hex')
}

/** Cuts the documents to their first `dimensions` values; queries stay whole, since an adapter can use all of theirs. */
export function truncateDocuments(embedded: EmbeddedParts, dimensions: number): EmbeddedParts {
  const d = embedded.train.queries.cols
  if (!Number.isSafeInteger(dimensions) || dimensions < 1 || dimensions >= d) {
    throw usageError(
      `--dimensions-out must be a whole number from 1 to ${d - 1}, less than the ${d} dimensions of ${embedded.baseId}; found ${dimensions}`,
    )
  }
  const truncated = withSharedDocuments(docs => truncateRows(docs, dimensions))
  return { ...embedded, ...mapSets(embedded, truncated), whole: embedded }
}

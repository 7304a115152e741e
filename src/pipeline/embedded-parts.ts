import { createHash } from 'node:crypto'
import type { EmbeddingCache } from '../cache/cache.js'
import { describeDataset } from '../dataset/describe.js'
import { foldText } from '../dataset/fold-text.js'
import { hashDataset } from '../dataset/hash.js'
import { pseudoQueries } from '../dataset/pseudo-queries.js'
import { type EmbedDatasetOptions, embedDataset } from '../embed/embed-dataset.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { countPairs } from '../embed/embedded-dataset.js'
import type { SpillOptions } from '../embed/matrix-builder.js'
import type { EmbedStats } from '../embed/run-embedding.js'
import { type RelevantKeys, relevantTexts, relevantVectors, seenQueries } from '../evaluate/seen.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { MEMORY_DEFAULT } from '../memory-limit.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { RECIPE } from '../train/recipe.js'
import { groupRows } from '../vectors/row-groups.js'
import type { VectorDataset, VectorParts } from '../vectors/vector-dataset.js'
import type { Parts } from './load-parts.js'

/** What a data set holds, in numbers. */
export interface PartCounts {
  readonly queries: number
  /** (query, relevant document) pairs. */
  readonly pairs: number
  readonly documents: number
}

/** Equal keys are the same text, or where only vectors are known the same vector. */
export interface TrainKeys {
  /** Key of each query row. */
  readonly queries: readonly string[]
  /** For each query row the keys of its relevant documents. */
  readonly relevant: RelevantKeys
}

/** The sets that training knows, by name. */
export const PART_NAMES = ['train', 'validation', 'test'] as const
export type PartName = (typeof PART_NAMES)[number]

/** The parts of a training run, embedded, with what tuning and proof have to know of their texts. */
export interface EmbeddedParts {
  readonly baseId: string
  readonly train: EmbeddedDataset<Rows>
  readonly validation?: EmbeddedDataset<Rows>
  readonly test?: EmbeddedDataset<Rows>
  /** First sentences as queries for documents of the training part, with what each counts; see `pseudoQueries`. */
  readonly pseudo?: EmbeddedDataset<Rows>
  readonly counts: { readonly [part in PartName]?: PartCounts }
  /** SHA-256 of the data, hex. */
  readonly sha256: string
  readonly embedding?: EmbedStats
  /** The same with whole documents, where these are truncated. */
  readonly whole?: EmbeddedParts
  /** query id -> text of a part; absent where only vectors are known */
  texts(part: PartName): ReadonlyMap<string, string> | undefined
  /** For the given queries of a part: whether a relevant document of theirs had training queries. */
  seen(part: PartName, queries: { readonly ids: readonly string[]; readonly rows: Uint32Array }): boolean[]
  /** What belongs together in the training part. */
  trainKeys(): TrainKeys
  /** Gives the disk space of vectors that memory had no room for back. */
  close?(): void
}

export interface EmbedPartsOptions extends Partial<SpillOptions> {
  readonly cache?: EmbeddingCache
  readonly signal?: AbortSignal
  /** Seed of the documents whose first sentences are embedded too, where there are few labelled queries; absent for none. */
  readonly pseudoSeed?: number
  /** Concurrency, retries, progress. */
  readonly embed?: Omit<EmbedDatasetOptions, 'cache' | 'signal'>
}

/**
 * Embeds the parts of a data set, from the cache where they are there.
 * @throws as `embedDataset`
 */
export async function embedParts(
  provider: EmbeddingProvider,
  parts: Parts,
  options: EmbedPartsOptions = {},
): Promise<EmbeddedParts> {
  const names = PART_NAMES.filter(name => parts[name])
  const { memory = MEMORY_DEFAULT, spillFolder, pseudoSeed } = options
  const pseudo = pseudoSeed === undefined ? undefined : pseudoQueries(parts.train, pseudoSeed)
  const { datasets, stats, close } = await embedDataset(
    provider,
    [...names.map(name => parts[name]!), ...(pseudo ? [pseudo] : [])],
    { ...options.embed, cache: options.cache, signal: options.signal, memory, spillFolder },
  )
  const embedded = Object.fromEntries(names.map((name, i) => [name, datasets[i]])) as { train: EmbeddedDataset<Rows> }
  const counts = Object.fromEntries(
    names.map(name => {
      const { queries, pairs, documents } = describeDataset(parts[name]!)
      return [name, { queries, pairs, documents }]
    }),
  )
  const trained = relevantTexts(parts.train)
  return {
    baseId: provider.id,
    ...embedded,
    ...(pseudo && { pseudo: { ...datasets[names.length], weights: pseudoWeights(pseudo.queries.size) } }),
    counts,
    sha256: combinedHash(PART_NAMES.map(name => parts[name] && hashDataset(parts[name]))),
    embedding: stats,
    close,
    texts: part => parts[part]?.queries,
    seen: (part, { ids }) => seenQueries(trained, relevantTexts(parts[part]!, ids)),
    trainKeys: () => ({ queries: Array.from(parts.train.queries.values(), foldText), relevant: trained }),
  }
}

function pseudoWeights(count: number): Float32Array {
  return new Float32Array(count).fill(Math.min(1, RECIPE.pseudoWeight / count))
}

/** Takes vectors that the user made elsewhere as they are. */
export function partsFromVectors(parts: VectorParts<Rows>): EmbeddedParts {
  const names = PART_NAMES.filter(name => parts[name])
  const trained = relevantVectors(parts.train)
  return {
    baseId: parts.train.baseId,
    ...parts,
    counts: Object.fromEntries(names.map(name => [name, countsOf(parts[name]!)])),
    sha256: combinedHash(PART_NAMES.map(name => parts[name] && hashVectors(parts[name]))),
    texts: part => textsOf(parts[part]),
    seen: (part, { rows }) => seenQueries(trained, relevantVectors(parts[part]!, rows)),
    trainKeys() {
      const { queries, queryTexts } = parts.train
      const texts = queryTexts?.map(text => (text === undefined ? undefined : foldText(text)))
      return { queries: Array.from(groupRows(queries, texts), String), relevant: trained }
    },
  }
}

/** What a part holds. */
export function countsOf(data: EmbeddedDataset<Rows>): PartCounts {
  return { queries: data.queries.rows, pairs: countPairs(data), documents: data.docs.rows }
}

/** query id -> text, where texts are known */
export function textsOf(data: VectorDataset<Rows> | undefined): ReadonlyMap<string, string> | undefined {
  if (!data?.queryTexts) return undefined
  return new Map(
    data.queryIds.flatMap((id, i) => (data.queryTexts?.[i] === undefined ? [] : [[id, data.queryTexts[i]]])),
  )
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
    for (const { block } of blocksOf(vectors)) {
      const { buffer, byteOffset, byteLength } = block.data
      hash.update(new Uint8Array(buffer, byteOffset, byteLength))
    }
  }
  hash.update(JSON.stringify(positives.map(map => [...map])))
  if (judgedNegatives) hash.update(JSON.stringify(judgedNegatives))
  return hash.digest('hex')
}

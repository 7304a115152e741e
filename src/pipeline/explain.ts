import { type Adapter, applyAdapter, outputDimensions } from '../adapters/adapter.js'
import type { AdapterTerms } from '../adapters/terms.js'
import type { EmbeddingCache } from '../cache/cache.js'
import { positivesOf, type QADataset, selfMatches } from '../dataset/dataset.js'
import { type EmbedTextsOptions, embedTexts } from '../embed/embed-texts.js'
import { AdapterTrainError } from '../errors.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { getOrInsert } from '../maps.js'
import { dot, type Matrix, norm, normalizedRows, row } from '../math/matrix.js'
import { toMatrix, truncateRows } from '../math/row-source.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { contributions, findTerms } from '../terms/table.js'
import { createTokenizer, termsOf } from '../terms/tokens.js'
import type { TermDocuments } from '../train/terms/corpus-terms.js'
import { checkBase, refuseBridge } from '../wrap/adapter-source.js'

export interface ExplainedDocument {
  readonly id: string
  readonly text: string
  readonly rank: number
  readonly score: number
  readonly otherRank: number
  readonly otherScore: number
  /** True if the data judges it relevant to this very query. */
  readonly relevant: boolean
}

/** Both rankings of a query. */
export type Explanation = Awaited<ReturnType<Explainer>>

export interface ExplainerOptions {
  readonly provider: EmbeddingProvider
  readonly adapter: Adapter
  readonly data: QADataset
  /** Documents with their vectors, such as those of an index. Default: those of `data`, embedded. */
  readonly documents?: TermDocuments
  readonly allowMismatch?: boolean
  readonly cache?: EmbeddingCache
  readonly embed?: Omit<EmbedTextsOptions, 'cache' | 'label'>
}

type Explainer = Awaited<ReturnType<typeof createExplainer>>

/**
 * Embeds the documents, or takes them from the cache, for queries to explain.
 * @returns ranks the documents for a query, before and after the adapter; gives the first `k`
 */
export async function createExplainer(options: ExplainerOptions) {
  const { provider, adapter, data, documents, cache, embed } = options
  checkBase(adapter, provider, options.allowMismatch)
  refuseBridge(adapter)
  const ids = documents?.ids ?? [...data.corpus.keys()]
  const texts = documents?.texts.map(text => text ?? '') ?? [...data.corpus.values()]
  if (ids.length === 0) throw new AdapterTrainError('DATASET_INVALID', `${data.name} has no documents to rank`)
  const label = (i: number): string => `document ${ids[i]} of ${data.name}`
  const vectors = documents
    ? toMatrix(documents.vectors)
    : (await embedTexts(provider, texts, 'document', { ...embed, cache, label })).vectors
  const units = normalizedRows(vectors)
  const outputs = outputDimensions(adapter)
  const adaptedUnits = outputs < vectors.cols ? normalizedRows(truncateRows(vectors, outputs)) : units
  const tieRank = tieRankOf(ids)
  const relevantTo = relevantByText(data)
  const own = ownByText(data)
  const rowOf = new Map(ids.map((id, row) => [id, row]))

  return async (query: string, k: number) => {
    const found = await embedTexts(provider, [query], 'query', { ...embed, cache, onPlan: undefined, onProgress: undefined })
    const q = row(found.vectors, 0)
    const leftOut = own.get(query.trim()) ?? []
    const hidden = leftOut.map(id => rowOf.get(id)!)
    const before = rank(q, units, tieRank, hidden)
    const after = rank(applyAdapter(adapter, q, query), adaptedUnits, tieRank, hidden)
    const relevant = relevantTo.get(query.trim())
    const shown = (doc: number, own: Ranking, other: Ranking): ExplainedDocument => ({
      id: ids[doc],
      text: texts[doc],
      rank: own.rankOf[doc],
      score: own.scores[doc],
      otherRank: other.rankOf[doc],
      otherScore: other.scores[doc],
      relevant: relevant?.has(ids[doc]) ?? false,
    })
    const list = (own: Ranking, other: Ranking) => Array.from(own.order.subarray(0, k), doc => shown(doc, own, other))
    return {
      query,
      documents: ids.length - hidden.length,
      /** Relevant documents; `undefined` if the data does not have the query. */
      relevant: relevant?.size,
      ...(adapter.terms && { terms: largestTerms(adapter.terms, query) }),
      /** Ids of documents that are the query itself, and not ranked. */
      ...(leftOut.length > 0 && { leftOut }),
      base: list(before, after),
      adapted: list(after, before),
      /** Relevant documents in neither list, in the order of the adapted ranking. */
      missed: Array.from(after.order)
        .filter(doc => relevant?.has(ids[doc]) && before.rankOf[doc] > k && after.rankOf[doc] > k)
        .map(doc => shown(doc, after, before)),
    }
  }
}

const SHOWN_TERMS = 10

/** Finds the terms of a query with the largest shares in its pull, at most ten; undefined for text terms that are not from words. */
export function largestTerms({ analysis, from }: AdapterTerms, query: string) {
  if (from.name !== 'words') return undefined
  const { words, pairs } = termsOf(createTokenizer(analysis)(query))
  const found = findTerms(from.table, [...words, ...pairs])
  return contributions(from.table, found)
    .map((share, i) => ({ term: found[i].term, share }))
    .sort((a, b) => b.share - a.share)
    .slice(0, SHOWN_TERMS)
}

type Ranking = { readonly scores: Float32Array; readonly order: Uint32Array; readonly rankOf: Uint32Array }

/** Ranks all documents but the hidden ones for one query. */
function rank(q: Float32Array, units: Matrix, tieRank: Uint32Array, hidden: readonly number[]): Ranking {
  const length = norm(q)
  const scores = Float32Array.from({ length: units.rows }, (_, i) => (length > 0 ? dot(q, row(units, i)) / length : 0))
  const shown = Uint32Array.from(scores.keys()).filter(doc => !hidden.includes(doc))
  const order = shown.sort((a, b) => scores[b] - scores[a] || tieRank[a] - tieRank[b])
  const rankOf = new Uint32Array(units.rows)
  for (const [position, doc] of order.entries()) rankOf[doc] = position + 1
  return { scores, order, rankOf }
}

/** Collects the documents that a query itself is, by its text. */
function ownByText(data: QADataset): Map<string, string[]> {
  const byText = new Map<string, string[]>()
  for (const id of selfMatches(data)) getOrInsert(byText, data.queries.get(id)!.trim(), () => []).push(id)
  return byText
}

/** Collects relevant documents by the text of the query; queries with the same text share theirs. */
function relevantByText(data: QADataset): Map<string, Set<string>> {
  const byText = new Map<string, Set<string>>()
  for (const [id, text] of data.queries) {
    const relevant = getOrInsert(byText, text.trim(), () => new Set())
    for (const document of positivesOf(data, id)) relevant.add(document)
  }
  return byText
}

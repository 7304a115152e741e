import { type Adapter, applyAdapter, outputDimensions } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import type { QADataset } from '../dataset/dataset.js'
import { type EmbedTextsOptions, embedTexts } from '../embed/embed-texts.js'
import { AdapterTrainError } from '../errors.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { dot, type Matrix, norm, normalizedRows, row } from '../math/matrix.js'
import { truncateRows } from '../math/truncate.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { checkBase } from '../wrap/check-base.js'

/** A document in one of the two rankings. */
export interface ExplainedDocument {
  readonly id: string
  readonly text: string
  /** From 1. */
  readonly rank: number
  /** Cosine similarity. */
  readonly score: number
  /** Its rank in the other ranking. */
  readonly otherRank: number
  readonly otherScore: number
  /** Whether the data judges it relevant to this very query. */
  readonly relevant: boolean
}

export interface Explanation {
  readonly query: string
  /** Documents in the data. */
  readonly documents: number
  /** How many the data judges relevant; `undefined` where it does not have the query. */
  readonly relevant: number | undefined
  /** Best first. */
  readonly base: readonly ExplainedDocument[]
  readonly adapted: readonly ExplainedDocument[]
  /** Relevant ones that neither list shows, as the adapted ranking has them. */
  readonly missed: readonly ExplainedDocument[]
}

export interface ExplainerOptions {
  readonly provider: EmbeddingProvider
  readonly adapter: Adapter
  readonly data: QADataset
  readonly allowMismatch?: boolean
  readonly cache?: EmbeddingCache
  readonly embed?: Omit<EmbedTextsOptions, 'cache' | 'label'>
}

/** Says what the adapter changes for a query: its first `k` documents before and after. */
export type Explainer = (query: string, k: number) => Promise<Explanation>

/**
 * Embeds the documents, or takes them from the cache, for queries to be explained.
 *
 * @throws ADAPTER_MISMATCH when the provider is not the adapter's base
 * @throws DATASET_INVALID when there are no documents
 * @throws as `embedTexts`
 */
export async function createExplainer(options: ExplainerOptions): Promise<Explainer> {
  const { provider, adapter, data, cache, embed } = options
  checkBase(adapter, provider, options.allowMismatch)
  const ids = [...data.corpus.keys()]
  const texts = [...data.corpus.values()]
  if (ids.length === 0) throw new AdapterTrainError('DATASET_INVALID', `${data.name} has no documents to rank`)
  const label = (i: number): string => `document ${ids[i]} of ${data.name}`
  const { vectors } = await embedTexts(provider, texts, 'document', { ...embed, cache, label })
  const units = normalizedRows(vectors)
  const outputs = outputDimensions(adapter)
  const adaptedUnits = outputs < vectors.cols ? normalizedRows(truncateRows(vectors, outputs)) : units
  const tieRank = tieRankOf(ids)
  const relevantTo = relevantByText(data)

  return async (query, k) => {
    const found = await embedTexts(provider, [query], 'query', { ...embed, cache, onProgress: undefined })
    const q = row(found.vectors, 0)
    const before = rank(q, units, tieRank)
    const after = rank(applyAdapter(adapter, q), adaptedUnits, tieRank)
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
      documents: ids.length,
      relevant: relevant?.size,
      base: list(before, after),
      adapted: list(after, before),
      missed: Array.from(after.order)
        .filter(doc => relevant?.has(ids[doc]) && before.rankOf[doc] > k && after.rankOf[doc] > k)
        .map(doc => shown(doc, after, before)),
    }
  }
}

interface Ranking {
  /** [m] cosine similarities by document row. */
  readonly scores: Float32Array
  /** [m] document rows, best first. */
  readonly order: Uint32Array
  /** [m] ranks from 1 by document row. */
  readonly rankOf: Uint32Array
}

/** All documents for one query. */
function rank(q: Float32Array, units: Matrix, tieRank: Uint32Array): Ranking {
  const length = norm(q)
  const scores = Float32Array.from({ length: units.rows }, (_, i) => (length > 0 ? dot(q, row(units, i)) / length : 0))
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || tieRank[a] - tieRank[b])
  const rankOf = new Uint32Array(units.rows)
  order.forEach((doc, position) => {
    rankOf[doc] = position + 1
  })
  return { scores, order, rankOf }
}

/** Ids of the relevant documents by the text of the query; queries with the same text share theirs. */
function relevantByText({ queries, qrels, corpus }: QADataset): Map<string, Set<string>> {
  const byText = new Map<string, Set<string>>()
  for (const [id, text] of queries) {
    const relevant = byText.get(text.trim()) ?? new Set()
    for (const [docId, grade] of qrels.get(id) ?? []) if (grade > 0 && corpus.has(docId)) relevant.add(docId)
    byText.set(text.trim(), relevant)
  }
  return byText
}

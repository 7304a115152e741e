import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import type { EmbeddingCache } from '../cache/cache.js'
import { type AskedQuery, queryKey } from '../dataset/read-queries.js'
import { familiarityTest, readFamiliarity } from '../drift/familiarity.js'
import { type EmbedTextsOptions, embedTexts } from '../embed/embed-texts.js'
import { FUSIONS, type FusionName, fuse, retrieved } from '../evaluate/fusion.js'
import { type Matrix, row } from '../math/matrix.js'
import { largestTerms } from '../pipeline/explain.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { type Collection, type Found, foundOf, memoryCollection } from './collection.js'
import { buildWordSearch, type WordSearch } from './word-search.js'

/** What the page searches and shows. */
export interface LookData {
  readonly name: string
  /** Documents to embed, or an index that has them. */
  readonly documents: ReadonlyMap<string, string> | Collection
  readonly queries: readonly AskedQuery[]
  /** Ids of documents that a query itself is, by `queryKey`; they are left out of its rankings. */
  readonly own?: ReadonlyMap<string, ReadonlySet<string>>
}

/** A tuned hybrid search, as `hybrid` prints it. */
export interface HybridWeight {
  readonly fusion: FusionName
  readonly weight: number
  /** Documents that each search retrieves. */
  readonly window: number
}

/** A way to search: a column of the page. */
export interface System {
  readonly name: string
  readonly kind: 'base' | 'adapter' | 'words' | 'hybrid'
  readonly adapter?: Adapter
}

export interface LookOptions {
  readonly provider: EmbeddingProvider
  readonly cache?: EmbeddingCache
  readonly embed?: Omit<EmbedTextsOptions, 'cache' | 'label'>
  readonly adapters: readonly { readonly name: string; readonly adapter: Adapter }[]
  readonly hybrid?: HybridWeight
  readonly open: () => Promise<LookData>
  readonly signal: AbortSignal
}

export type Doing = { readonly step: string; readonly done?: number; readonly total?: number }

/** Searches side by side, whose data load in the background. */
export type Look = ReturnType<typeof createLook>

/** Starts to load; failures reject the promises. */
export function createLook(options: LookOptions) {
  const { provider, cache, adapters, hybrid, signal } = options
  const embed = { ...options.embed, cache, signal }
  const systems: System[] = [
    { name: 'base', kind: 'base' },
    ...adapters.map(({ name, adapter }) => ({ name, kind: 'adapter' as const, adapter })),
    { name: 'BM25', kind: 'words' },
    ...(hybrid ? [{ name: `hybrid (${hybrid.fusion} ${hybrid.weight})`, kind: 'hybrid' as const }] : []),
  ]
  const familiar = adapters.map(({ adapter, name }) => {
    const known = readFamiliarity(adapter, name)
    return known && familiarityTest(known, adapter)
  })
  let doing: Doing | undefined = { step: 'reading the data' }
  let wordSearch: WordSearch | undefined

  const data = options.open()
  const collection = data.then(async ({ documents, name }) => {
    if ('search' in documents) return documents
    const ids = [...documents.keys()]
    const label = (i: number): string => `document ${ids[i]} of ${name}`
    const onProgress: EmbedTextsOptions['onProgress'] = progress => {
      doing = { step: 'embedding the documents', done: progress.done, total: progress.total }
      options.embed?.onProgress?.(progress)
    }
    const { vectors } = await embedTexts(provider, [...documents.values()], 'document', { ...embed, label, onProgress })
    return memoryCollection(documents, vectors)
  })
  const words = collection.then(async found => {
    const { queries } = await data
    const onProgress = (done: number): void => {
      doing = { step: 'building the search by words', done, total: found.size }
    }
    onProgress(0)
    wordSearch = await buildWordSearch(
      found.documents(),
      queries.map(({ text }) => text),
      { onProgress, signal },
    )
    doing = undefined
    return wordSearch
  })
  for (const promise of [data, collection, words]) promise.catch(() => {})

  return {
    systems,
    /** Data when they are read, documents and words when they can be searched. */
    data,
    collection,
    words,
    /** Work under way; undefined when all is ready. */
    doing: () => doing,
    /** The search by words, if it is built. */
    wordsNow: () => wordSearch,
    embedQueries: (texts: readonly string[]) => embedTexts(provider, texts, 'query', { ...embed, onProgress: undefined }),
    /** Tells whether a query is like the training queries of the first adapter; absent without them. */
    familiar: familiar[0],
    /**
     * Compares the first k results of base and first adapter for each query, while requests get their turns; nothing without adapters.
     * @param vectors [queries, d], or more rows
     */
    async *compare<Q extends AskedQuery>(asked: readonly Q[], vectors: Matrix, k: number) {
      if (adapters.length === 0) return
      const [{ own }, documents] = await Promise.all([data, collection])
      for (const [i, query] of asked.entries()) {
        signal.throwIfAborted()
        const hidden = own?.get(queryKey(query.text))
        const q = row(vectors, i)
        const base = await documents.search(q, k, hidden)
        const adapted = await documents.search(applyAdapter(adapters[0].adapter, q, query.text), k, hidden)
        const before = new Set(base.hits.map(({ id }) => id))
        yield { query, base, adapted, changed: adapted.hits.filter(({ id }) => !before.has(id)).length }
        await nextTurn()
      }
    },
    /**
     * Searches with every system for `k` hits: per system its result, undefined while that is being built, and for one with an
     * adapter how like its training queries the query is, and the terms that moved it. @throws as `embedTexts`
     */
    async ask(query: string, k: number) {
      const [{ own }, documents] = await Promise.all([data, collection])
      const hidden = own?.get(queryKey(query))
      const { vectors } = await embedTexts(provider, [query], 'query', { ...embed, onPlan: undefined, onProgress: undefined })
      const q = row(vectors, 0)
      const depth = Math.max(k, documents.depth, hybrid?.window ?? 0)
      const found: (Found | undefined)[] = [await documents.search(q, depth, hidden)]
      for (const { adapter } of adapters) {
        found.push(await documents.search(applyAdapter(adapter, q, query), depth, hidden))
      }
      const byWords = wordSearch?.search(query, depth, hidden)
      found.push(byWords)
      if (hybrid) found.push(byWords && fused(hybrid, found[Math.min(1, adapters.length)]!, byWords))
      const about = adapters.map(({ adapter }, i) => ({
        familiar: familiar[i]?.(q),
        terms: adapter.terms && largestTerms(adapter.terms, query),
      }))
      return { found, about: [undefined, ...about] }
    },
  }
}

/** Fuses the documents that either search retrieves. */
function fused({ fusion: name, weight, window }: HybridWeight, vectors: Found, words: Found): Found {
  const fusion = FUSIONS[name]
  const ids = [...new Set([vectors, words].flatMap(({ hits }) => hits.slice(0, window).map(({ id }) => id)))]
  const scoresOf = (found: Found): Float32Array => {
    const scores = Float32Array.from(ids, id => found.score(id) ?? 0)
    return fusion.prepare(scores, retrieved(scores, window))
  }
  const scores = fuse(fusion, scoresOf(vectors), scoresOf(words), weight)
  const order = [...ids.keys()].sort((a, b) => scores[b] - scores[a] || a - b)
  return foundOf(order.map(i => ({ id: ids[i], score: scores[i] })))
}

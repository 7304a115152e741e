import { setImmediate as nextTurn } from 'node:timers/promises'
import { searchWords } from '../adapters/terms.js'
import { collectPostings, createBm25 } from '../terms/bm25.js'
import { type Analysis, analyze, createTokenizer } from '../terms/tokens.js'
import { foundIn, placesOf } from './collection.js'

export type WordSearch = Awaited<ReturnType<typeof buildWordSearch>>

/** Milliseconds of work before other requests get a turn. */
const SLICE_MS = 12
/** Documents that show how a corpus becomes words. */
const LOOKED_AT = 2000

/** Builds BM25 in slices, so that the page answers meanwhile. */
export async function buildWordSearch(
  documents: Iterable<readonly [string, string]> | AsyncIterable<readonly [string, string]>,
  queries: readonly string[],
  { onProgress, signal }: { onProgress?(done: number): void; readonly signal?: AbortSignal } = {},
) {
  const ids: string[] = []
  const waiting: string[] = []
  const postings = collectPostings()
  let analysis: Analysis | undefined
  let started = performance.now()
  const rest = async (): Promise<void> => {
    if (performance.now() - started < SLICE_MS) return
    onProgress?.(ids.length - waiting.length)
    await nextTurn()
    signal?.throwIfAborted()
    started = performance.now()
  }
  let tokenize = createTokenizer({ english: true, common: [] })
  const flush = async (): Promise<void> => {
    if (!analysis) {
      analysis = analyze(waiting, queries.slice(0, LOOKED_AT), process.versions.icu)
      tokenize = createTokenizer(analysis)
    }
    for (const text of waiting.splice(0)) {
      postings.add(searchWords(tokenize(text)))
      await rest()
    }
  }
  for await (const [id, text] of documents) {
    ids.push(id)
    waiting.push(text)
    if (analysis || waiting.length === LOOKED_AT) await flush()
  }
  await flush()
  const bm25 = createBm25(postings.finish())
  const places = placesOf(ids)
  return {
    analysis: analysis!,
    search: (query: string, k: number, hidden?: ReadonlySet<string>) =>
      foundIn(bm25.scores([...new Set(searchWords(tokenize(query)))]).slice(), places, k, { hidden, above: 0 }),
  }
}

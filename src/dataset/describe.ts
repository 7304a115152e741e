import type { QADataset } from './dataset.js'
import { foldText } from './fold-text.js'

/** Words are runs of characters that are not white space. */
export interface WordCounts {
  readonly mean: number
  readonly median: number
  readonly max: number
}

export interface DatasetDescription {
  readonly queries: number
  readonly documents: number
  /** Judgements of a grade above 0. */
  readonly pairs: number
  /** Documents that are relevant to at least one query. */
  readonly documentsWithQuery: number
  readonly queryWords: WordCounts
  readonly documentWords: WordCounts
  /** Queries whose text (folded) an earlier query has. */
  readonly duplicateQueryTexts: number
  /** Documents whose text (folded) an earlier document has. */
  readonly duplicateDocumentTexts: number
  readonly positivesPerQuery: { readonly mean: number; readonly max: number }
}

/** What two data sets have in common. */
export interface DatasetOverlap {
  /** Texts of queries of the first that (folded) are in the second too, each once. */
  readonly queryTexts: readonly string[]
  /** Ids of documents that are relevant to a query in both; with unrelated ids this says nothing. */
  readonly documentIds: readonly string[]
  /** Texts (folded alike) of documents that are relevant to a query in both, as in the first, each once. */
  readonly documentTexts: readonly string[]
}

/** Counts what a data set holds. */
export function describeDataset(dataset: QADataset): DatasetDescription {
  const positives = [...dataset.queries.keys()].map(id => positivesOf(dataset, id).length)
  const pairs = positives.reduce((sum, count) => sum + count, 0)
  return {
    queries: dataset.queries.size,
    documents: dataset.corpus.size,
    pairs,
    documentsWithQuery: documentsWithQuery(dataset).size,
    queryWords: countWords(dataset.queries),
    documentWords: countWords(dataset.corpus),
    duplicateQueryTexts: dataset.queries.size - foldedTexts(dataset.queries.values()).size,
    duplicateDocumentTexts: dataset.corpus.size - foldedTexts(dataset.corpus.values()).size,
    positivesPerQuery: {
      mean: positives.length === 0 ? 0 : pairs / positives.length,
      max: positives.reduce((max, count) => Math.max(max, count), 0),
    },
  }
}

/** Finds queries and answered documents that two data sets share, such as a training and a test set. */
export function overlap(a: QADataset, b: QADataset): DatasetOverlap {
  const [inA, inB] = [documentsWithQuery(a), documentsWithQuery(b)]
  const texts = (dataset: QADataset, ids: Iterable<string>) =>
    foldedTexts([...ids].flatMap(id => dataset.corpus.get(id) ?? []))
  return {
    queryTexts: shared(foldedTexts(a.queries.values()), foldedTexts(b.queries.values())),
    documentIds: [...inA].filter(id => inB.has(id)),
    documentTexts: shared(texts(a, inA), texts(b, inB)),
  }
}

/** folded text -> the first text that folds to it */
function foldedTexts(texts: Iterable<string>): Map<string, string> {
  const folded = new Map<string, string>()
  for (const text of texts) {
    const key = foldText(text)
    if (!folded.has(key)) folded.set(key, text)
  }
  return folded
}

function shared(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  return [...a].filter(([key]) => b.has(key)).map(([, text]) => text)
}

function positivesOf(dataset: QADataset, query: string): string[] {
  return [...(dataset.qrels.get(query) ?? [])].filter(([, grade]) => grade > 0).map(([document]) => document)
}

function documentsWithQuery(dataset: QADataset): Set<string> {
  return new Set([...dataset.queries.keys()].flatMap(id => positivesOf(dataset, id)))
}

function countWords(texts: ReadonlyMap<string, string>): WordCounts {
  const counts = Float64Array.from([...texts.values()], text => text.match(/\S+/g)?.length ?? 0).sort()
  const n = counts.length
  if (n === 0) return { mean: 0, median: 0, max: 0 }
  const middle = n >> 1
  return {
    mean: counts.reduce((sum, count) => sum + count, 0) / n,
    median: n % 2 === 1 ? counts[middle] : (counts[middle - 1] + counts[middle]) / 2,
    max: counts[n - 1],
  }
}

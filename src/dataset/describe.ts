import { getOrInsert } from '../maps.js'
import { mean, quantile } from '../math/statistics/moments.js'
import { positivesOf, type QADataset } from './dataset.js'
import { foldText } from './text.js'

export type DatasetDescription = ReturnType<typeof describeDataset>

export function describeDataset(dataset: QADataset) {
  const positives = [...dataset.queries.keys()].map(id => positivesOf(dataset, id).length)
  const pairs = positives.reduce((sum, count) => sum + count, 0)
  return {
    queries: dataset.queries.size,
    documents: dataset.corpus.size,
    /** Judgements with a grade above 0. */
    pairs,
    documentsWithQuery: documentsWithQuery(dataset).size,
    queryWords: countWords(dataset.queries),
    documentWords: countWords(dataset.corpus),
    /** Queries with the (folded) text of an earlier query, and the same of documents. */
    duplicateQueryTexts: dataset.queries.size - foldedTexts(dataset.queries.values()).size,
    duplicateDocumentTexts: dataset.corpus.size - foldedTexts(dataset.corpus.values()).size,
    positivesPerQuery: {
      mean: positives.length === 0 ? 0 : pairs / positives.length,
      max: positives.reduce((max, count) => Math.max(max, count), 0),
    },
  }
}

/**
 * Finds queries and relevant documents that two datasets share, such as a training and a test split.
 * @returns texts (compared when folded) as in the first, each once; ids, which are meaningless if those of the two are unrelated
 */
export function overlap(a: QADataset, b: QADataset) {
  const [inA, inB] = [documentsWithQuery(a), documentsWithQuery(b)]
  const texts = (dataset: QADataset, ids: Iterable<string>) => foldedTexts([...ids].flatMap(id => dataset.corpus.get(id) ?? []))
  return {
    queryTexts: shared(foldedTexts(a.queries.values()), foldedTexts(b.queries.values())),
    documentIds: [...inA].filter(id => inB.has(id)),
    documentTexts: shared(texts(a, inA), texts(b, inB)),
  }
}

function foldedTexts(texts: Iterable<string>): Map<string, string> {
  const folded = new Map<string, string>()
  for (const text of texts) getOrInsert(folded, foldText(text), () => text)
  return folded
}

function shared(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  return [...a].filter(([key]) => b.has(key)).map(([, text]) => text)
}

function documentsWithQuery(dataset: QADataset): Set<string> {
  return new Set([...dataset.queries.keys()].flatMap(id => positivesOf(dataset, id)))
}

/** Counts words: runs of characters that are not white space. */
function countWords(texts: ReadonlyMap<string, string>) {
  const counts = Float64Array.from([...texts.values()], text => text.match(/\S+/g)?.length ?? 0).sort()
  if (counts.length === 0) return { mean: 0, median: 0, max: 0 }
  return { mean: mean(counts), median: quantile(counts, 0.5), max: counts[counts.length - 1] }
}

import { quantile } from '../math/statistics/moments.js'
import { positivesOf, type QADataset } from './dataset.js'
import { findNearDuplicates } from './near-duplicates.js'
import { findSuspiciousQueries, type Suspicion } from './suspicious-queries.js'

/** Characters above which tokens are counted in a sample. */
const COUNTED = 4_000_000
const EXAMPLES = 5

export type Finding = { readonly count: number; readonly examples: readonly string[] }

const QUANTILES = { min: 0, p5: 0.05, median: 0.5, p95: 0.95, max: 1 }
type Quantiles = { readonly [name in keyof typeof QUANTILES]: number }

export type TextLengths = ReturnType<typeof measure>
export type DatasetInspection = ReturnType<typeof inspectDataset>

/** Inspects a dataset for problems; `countTokens` counts the tokens of a text. */
export function inspectDataset(dataset: QADataset, countTokens: (text: string) => number) {
  const { queries, corpus, qrels } = dataset
  const histogram = new Map<number, number>()
  const asked = new Set<string>()
  let hardNegatives = 0
  for (const [query, judged] of qrels) {
    const positives = positivesOf(dataset, query)
    hardNegatives += judged.size - positives.length
    histogram.set(positives.length, (histogram.get(positives.length) ?? 0) + 1)
    for (const id of positives) asked.add(id)
  }
  const duplicates = (texts: ReadonlyMap<string, string>) => finding(new Set(findNearDuplicates(texts).map(({ b }) => b)))
  const suspicious: { readonly [suspicion in Suspicion]?: Finding } = Object.fromEntries(
    [...findSuspiciousQueries(dataset)].map(([name, ids]) => [name, finding(ids)]),
  )
  return {
    /** `[positives, queries]`: number of queries with so many relevant documents, ascending. */
    positivesHistogram: [...histogram].sort(([a], [b]) => a - b),
    /** Documents judged not relevant to a query (grade 0). */
    hardNegatives,
    queryLengths: measure(queries, countTokens),
    documentLengths: measure(corpus, countTokens),
    /** Ids whose text equals an earlier one or is a near-duplicate of it. */
    nearDuplicateQueries: duplicates(queries),
    nearDuplicateDocuments: duplicates(corpus),
    documentsWithoutQuery: finding([...corpus.keys()].filter(id => !asked.has(id))),
    suspicious,
  }
}

function finding(ids: Iterable<string>): Finding {
  const all = [...ids]
  return { count: all.length, examples: all.slice(0, EXAMPLES) }
}

/** Measures the lengths of texts; tokens as OpenAI's embedding models count them. */
function measure(texts: ReadonlyMap<string, string>, countTokens: (text: string) => number) {
  const all = [...texts.values()]
  const distinct = [...new Set(all)]
  const characters = distinct.reduce((sum, text) => sum + text.length, 0)
  // Every n-th text, as neighbours in a file are often alike.
  const step = Math.max(1, Math.ceil(characters / COUNTED))
  const sample = distinct.filter((_, i) => i % step === 0)
  const tokens = sample.map(countTokens)
  const sampledCharacters = sample.reduce((sum, text) => sum + text.length, 0)
  const sampledTokens = tokens.reduce((sum, n) => sum + n, 0)
  return {
    characters: quantiles(all.map(text => text.length)),
    tokens: quantiles(tokens),
    /** Tokens of all texts together, each distinct text once. */
    totalTokens: step === 1 ? sampledTokens : Math.round((sampledTokens / sampledCharacters) * characters),
    /** True if tokens were counted in a sample. */
    sampled: step > 1,
  }
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort()
  const at = (q: number) => (sorted.length === 0 ? 0 : Math.round(quantile(sorted, q)))
  return Object.fromEntries(Object.entries(QUANTILES).map(([name, q]) => [name, at(q)])) as Quantiles
}

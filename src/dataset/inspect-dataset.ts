import { quantile } from '../math/statistics/quantile.js'
import type { QADataset } from './dataset.js'
import { findNearDuplicates } from './near-duplicates.js'
import { findSuspiciousQueries, type Suspicion } from './suspicious-queries.js'

/** Characters that are counted in tokens one by one; of more, a sample is, which the rest is taken to be like. */
const COUNTED = 4_000_000

/** Ids that are named for each thing that is found. */
const EXAMPLES = 5

/** How many there are, and the first of them. */
export interface Finding {
  readonly count: number
  readonly examples: readonly string[]
}

export interface Quantiles {
  readonly min: number
  readonly p5: number
  readonly median: number
  readonly p95: number
  readonly max: number
}

/** Of each text; tokens as OpenAI's embedding models count them. */
export interface TextLengths {
  readonly characters: Quantiles
  readonly tokens: Quantiles
  /** Of all texts together, each distinct text once. */
  readonly totalTokens: number
  /** Whether tokens were counted in a sample alone. */
  readonly sampled: boolean
}

/** What a careful reader of a data set looks for. */
export interface DatasetInspection {
  /** `[positives, queries]`: how many queries have so many relevant documents, ascending. */
  readonly positivesHistogram: readonly (readonly [positives: number, queries: number])[]
  /** Documents judged not relevant to a query (grade 0). */
  readonly hardNegatives: number
  readonly queryLengths: TextLengths
  readonly documentLengths: TextLengths
  /** Ids whose text is near-identical to an earlier one, or the same. */
  readonly nearDuplicateQueries: Finding
  readonly nearDuplicateDocuments: Finding
  /** Documents that no query asks for. */
  readonly documentsWithoutQuery: Finding
  readonly suspicious: { readonly [suspicion in Suspicion]?: Finding }
}

/**
 * Looks into a data set.
 * @param countTokens tokens of a text
 */
export function inspectDataset(dataset: QADataset, countTokens: (text: string) => number): DatasetInspection {
  const { queries, corpus, qrels } = dataset
  const histogram = new Map<number, number>()
  const asked = new Set<string>()
  let hardNegatives = 0
  for (const judged of qrels.values()) {
    const positives = [...judged].filter(([, grade]) => grade > 0)
    hardNegatives += judged.size - positives.length
    histogram.set(positives.length, (histogram.get(positives.length) ?? 0) + 1)
    for (const [id] of positives) asked.add(id)
  }
  const duplicates = (texts: ReadonlyMap<string, string>) =>
    finding(new Set(findNearDuplicates(texts).map(({ b }) => b)))
  return {
    positivesHistogram: [...histogram].sort(([a], [b]) => a - b),
    hardNegatives,
    queryLengths: measure(queries, countTokens),
    documentLengths: measure(corpus, countTokens),
    nearDuplicateQueries: duplicates(queries),
    nearDuplicateDocuments: duplicates(corpus),
    documentsWithoutQuery: finding([...corpus.keys()].filter(id => !asked.has(id))),
    suspicious: Object.fromEntries([...findSuspiciousQueries(dataset)].map(([name, ids]) => [name, finding(ids)])),
  }
}

function finding(ids: Iterable<string>): Finding {
  const all = [...ids]
  return { count: all.length, examples: all.slice(0, EXAMPLES) }
}

function measure(texts: ReadonlyMap<string, string>, countTokens: (text: string) => number): TextLengths {
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
    totalTokens: step === 1 ? sampledTokens : Math.round((sampledTokens / sampledCharacters) * characters),
    sampled: step > 1,
  }
}

function quantiles(values: readonly number[]): Quantiles {
  if (values.length === 0) return { min: 0, p5: 0, median: 0, p95: 0, max: 0 }
  const sorted = Float64Array.from(values).sort()
  const at = (q: number) => Math.round(quantile(sorted, q))
  return { min: at(0), p5: at(0.05), median: at(0.5), p95: at(0.95), max: at(1) }
}

import { foldText } from './text.js'

/**
 * Queries, documents and relevance judgements (qrels). A document is relevant if its grade is above 0 (trec_eval's
 * rule). Maps keep the order of the file.
 */
export interface QADataset {
  /** File or folder name, for messages. */
  readonly name: string
  /** query id -> text */
  readonly queries: ReadonlyMap<string, string>
  /** document id -> text */
  readonly corpus: ReadonlyMap<string, string>
  /** query id -> document id -> grade */
  readonly qrels: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** True if a query and a document of one id are the same entry, as in BEIR's format. */
  readonly sharedIds?: boolean
  /** query id -> time of its first search, in milliseconds since 1970 (UTC) */
  readonly times?: ReadonlyMap<string, number>
}

/** An invalid entry, left out with `skipInvalid`. */
export interface DatasetIssue {
  readonly file: string
  /** 1-based, if the format has lines. */
  readonly line?: number
  readonly id?: string
  /** One sentence without a full stop. */
  readonly problem: string
  /** True if a query has no relevant document, and nothing left out is the cause. */
  readonly unanswered?: true
}

/** A dataset as read from its files. */
export interface LoadedDataset {
  readonly dataset: QADataset
  /** Empty unless `skipInvalid` was given. */
  readonly skipped: readonly DatasetIssue[]
  /** Sentences about valid input that may surprise, such as questions without an answer. */
  readonly notes: readonly string[]
}

/** Ids of the relevant documents of a query, of those in the corpus. */
export function positivesOf({ corpus, qrels }: QADataset, query: string): string[] {
  return [...(qrels.get(query) ?? [])].flatMap(([id, grade]) => (grade > 0 && corpus.has(id) ? [id] : []))
}

/** Says, in a sentence, how many queries of a set are left out of their own rankings; empty without any. */
export function selfMatchNotes(name: string, { size }: ReadonlySet<string> = new Set()): string[] {
  const found = size === 1 ? '1 query is a document' : `${size} queries are documents`
  return size === 0 ? [] : [`${name}: ${found} of the corpus too, left out of ${size === 1 ? 'its' : 'their'} own ranking`]
}

/**
 * Finds the queries that stand in their own corpus, by id (`sharedIds`) or else by id and text, and are not relevant to
 * themselves. Each is left out of its own ranking.
 */
export function selfMatches({ queries, corpus, qrels, sharedIds }: QADataset): ReadonlySet<string> {
  const isSelf = (id: string, text: string): boolean => {
    const own = corpus.get(id)
    if (own === undefined || (qrels.get(id)?.get(id) ?? 0) > 0) return false
    return sharedIds === true || foldText(own) === foldText(text)
  }
  return new Set([...queries].flatMap(([id, text]) => (isSelf(id, text) ? [id] : [])))
}

import type { EmbedStats } from '../../embed/run-embedding.js'
import type { SystemsComparison } from '../../evaluate/compare-systems.js'
import type { Interval } from '../../math/statistics/bootstrap.js'
import type { PartCounts } from '../embedded-parts.js'
import type { QueryTime } from './query-time.js'

/** One candidate of a comparison, measured. */
export interface CandidateReport {
  readonly name: string
  /** Id of the embedding space. */
  readonly base: string
  /** Kind of the adapter; absent without one. */
  readonly adapter?: string
  /** Mean of every metric over the queries with its 95 % interval. */
  readonly metrics: Readonly<Record<string, Interval>>
  /** `best`, or `tied` where it cannot be told from the best; absent where it is worse. */
  readonly rank?: 'best' | 'tied'
  /** US dollars for embedding a million queries as long as those of the data; 0 where it is free, `null` where it is not known. */
  readonly costPerMillionQueries: number | null
  /** Absent without timing. */
  readonly milliseconds?: QueryTime
  /** Values of a stored document vector. */
  readonly dimensions: number
  /** Bytes of this corpus as float32, without what an index adds. */
  readonly indexBytes: number
  /** The same of a million documents. */
  readonly indexBytesPerMillion: number
}

/** Candidates measured on the same queries and documents, and each pair of them. */
export interface CompareReport extends Pick<SystemsComparison, 'metric' | 'queries' | 'pairs' | 'samples'> {
  /** What was compared on; {@link queries} are those of them with a relevant document, which are scored. */
  readonly data: PartCounts & { readonly name: string }
  /** Best first. */
  readonly candidates: readonly CandidateReport[]
  /** Seed of the resampling. */
  readonly seed: number
  readonly engine: string
  /** What the engine runs on. */
  readonly engineDescription?: string
  /** Why this engine. */
  readonly engineReason: string
  /** What embedding took, for each base with a provider. */
  readonly embedding: readonly (EmbedStats & { readonly base: string })[]
  readonly warnings: readonly string[]
}

/**
 * The ranking of one query.
 *
 * `grades[r]` is the grade of the document at rank r + 1, 0 where it is not relevant or not judged. `relevant` holds the grades of
 * all relevant documents of the query (retrieved or not), highest first, at least one.
 */
export interface Ranking {
  readonly grades: readonly number[]
  readonly relevant: readonly number[]
}

/** A measure of one ranking cut at rank k, between 0 and 1; its mean over queries is reported. */
export interface Metric {
  readonly name: string
  /** One line for `--help` and reports. */
  readonly description: string
  score(ranking: Ranking, k: number): number
}

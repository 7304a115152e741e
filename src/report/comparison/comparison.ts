import type { CompareReport } from '../../pipeline/compare/compare-report.js'
import type { Reproduction } from '../report.js'

/** What a report on several candidates shows. */
export interface ComparisonReport {
  readonly comparison: CompareReport
  /** Further facts on the run, as name and value. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly warnings: readonly string[]
  readonly reproduce: Reproduction
}

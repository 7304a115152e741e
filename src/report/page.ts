import type { Reproduction } from './report.js'
import type { Section } from './section.js'
import type { Verdict } from './verdict.js'

/** One figure in large type. */
export interface Tile {
  readonly label: string
  readonly value: string
  readonly note?: string
}

/** What a report of any subject comes to; a format renders nothing else. */
export interface Page {
  readonly title: string
  /** The answer. */
  readonly verdict: Verdict
  /** What was measured, each without a full stop. */
  readonly about: readonly string[]
  readonly tiles: readonly Tile[]
  readonly warnings: readonly string[]
  readonly sections: readonly Section[]
  readonly reproduce: Reproduction
}

import type { ChosenBase } from './choose-base.js'
import type { ChosenDataset } from './choose-data.js'
import type { GoalName } from './goals.js'

/** All that was chosen. */
export interface Setup {
  readonly data: ChosenDataset
  readonly base: ChosenBase
  readonly goal: GoalName
  readonly dimensionsOut?: number
  readonly kFold?: number
}

/** Shows lines under a title, to people. */
export type Report = (title: string, lines: readonly string[]) => void

import type { Report } from '../report.js'
import type { Section, SectionMaker } from '../section.js'
import { changesSection } from './changes.js'
import { dataSection } from './data.js'
import { metricsSection } from './metrics.js'
import { ranksSection } from './ranks.js'
import { reproduceSection } from './reproduce.js'
import { scoresSection } from './scores.js'
import { seenSection } from './seen.js'
import { sweepSection } from './sweep.js'
import { trainingSection } from './training.js'
import { tuningSection } from './tuning.js'

/** Every section in the order of reading. A new section is one file and one entry here. */
const SECTIONS: readonly SectionMaker[] = [
  metricsSection,
  seenSection,
  changesSection,
  ranksSection,
  scoresSection,
  sweepSection,
  trainingSection,
  tuningSection,
  dataSection,
  reproduceSection,
]

/** The sections that a report has facts for. */
export function sectionsOf(report: Report): Section[] {
  return SECTIONS.flatMap(make => make(report) ?? [])
}

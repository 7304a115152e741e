import { whole } from '../format.js'
import { type Block, type SectionMaker, tableBlock } from '../page.js'
import type { Report } from '../report.js'

/** Parts of the data, and the facts of the run. */
export const dataSection: SectionMaker = ({ data = {}, facts, gate }) => {
  const parts = Object.entries(data).map(([name, { queries, pairs, documents, folds }]) => [
    folds ? `${name} (cross-validation in ${folds} folds)` : name,
    ...[queries, pairs, documents].map(whole),
  ])
  const rows = [...facts]
  if (gate) rows.push(['gate', `${gate.passed ? 'passed' : 'not passed'}: ${gate.reason}`])
  const blocks: Block[] = []
  if (parts.length > 0) {
    const head = ['part', 'queries', 'pairs', 'documents']
    blocks.push(tableBlock({ caption: 'Parts of the data', head, rows: parts }))
  }
  if (rows.length > 0) blocks.push(factsBlock(rows))
  return blocks.length > 0 ? { id: 'data', title: 'Data and run', blocks } : undefined
}

/** Makes the table of facts of a run. */
export function factsBlock(rows: Report['facts']): Block {
  return tableBlock({ caption: 'Facts of the run', head: ['fact', 'value'], rows, words: 2 })
}

/** The command and what it ran on. */
export const reproduceSection: SectionMaker<Pick<Report, 'reproduce'>> = ({ reproduce }) => {
  const rows = [...reproduce.versions, ['date', reproduce.date]]
  return {
    id: 'reproduce',
    title: 'Reproduce',
    blocks: [
      { type: 'code', text: reproduce.command },
      tableBlock({ caption: 'Versions', head: ['what', 'version'], rows, words: 2 }),
    ],
  }
}

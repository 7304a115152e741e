import { whole } from '../format.js'
import type { Block, SectionMaker } from '../section.js'

/** What the data hold, and the facts of the run. */
export const dataSection: SectionMaker = ({ data, facts, gate }) => {
  const parts = Object.entries(data ?? {})
  const blocks: Block[] = []
  if (parts.length > 0) {
    const head = ['part', 'queries', 'pairs', 'documents']
    const rows = parts.map(([name, { queries, pairs, documents, folds }]) => [
      folds ? `${name} (cross-validation in ${folds} folds)` : name,
      ...[queries, pairs, documents].map(whole),
    ])
    blocks.push({ type: 'table', table: { caption: 'Parts of the data', head, rows } })
  }
  const all = [
    ...facts,
    ...(gate ? ([['gate', `${gate.passed ? 'passed' : 'not passed'}: ${gate.reason}`]] as const) : []),
  ]
  if (all.length > 0)
    blocks.push({ type: 'table', table: { caption: 'Facts of the run', head: ['fact', 'value'], rows: all, words: 2 } })
  return blocks.length > 0 ? { id: 'data', title: 'Data and run', blocks } : undefined
}

import type { EvaluationReport } from '../../pipeline/run-evaluation.js'
import { whole } from '../format.js'
import { type SectionMaker, section, type Table } from '../page.js'
import type { Report } from '../report.js'

type EngineFacts = Pick<EvaluationReport, 'engine' | 'engineDescription' | 'engineReason'>

export const dataSection: SectionMaker = ({ data = {}, facts, gate }) => {
  const parts = Object.entries(data).map(([name, { queries, pairs, documents, folds }]) => [
    folds ? `${name} (cross-validation in ${folds} folds)` : name,
    ...[queries, pairs, documents].map(whole),
  ])
  const rows = [...facts]
  if (gate) rows.push(['gate', `${gate.passed ? 'passed' : 'not passed'}: ${gate.reason}`])
  if (parts.length === 0 && rows.length === 0) return undefined
  const head = ['part', 'queries', 'pairs', 'documents']
  const table = parts.length > 0 && { caption: 'Parts of the data', head, rows: parts }
  return section('data', 'Data and run', table, rows.length > 0 && factsTable(rows))
}

export function factsTable(rows: Report['facts']): Table {
  return { caption: 'Facts of the run', head: ['fact', 'value'], rows, words: 2 }
}

/** Names the engine of a run and why it was chosen. */
export function engineText({ engine, engineDescription, engineReason }: EngineFacts): string {
  return `${engine}${engineDescription ? ` (${engineDescription})` : ''}: ${engineReason}`
}

/** The command and what it ran on. */
export const reproduceSection: SectionMaker<Pick<Report, 'reproduce'>> = ({ reproduce }) => {
  const rows = [...reproduce.versions, ['date', reproduce.date]]
  const table = { caption: 'Versions', head: ['what', 'version'], rows, words: 2 }
  return section('reproduce', 'Reproduce', { code: reproduce.command }, table)
}

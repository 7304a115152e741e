import {
  type ComparisonReport,
  checkReportFormat,
  type Report,
  type Reproduction,
  renderReport,
} from '../../report/index.js'
import { VERSION } from '../../version.js'
import { writeFileAtomic } from '../../write-file-atomic.js'
import { commandLine } from '../command-line.js'
import { checkOut } from '../options/data-files.js'
import type { Console } from './console.js'

/** Facts that a command gives; how to make them again is added. */
export type ReportFacts = Omit<Report, 'reproduce'> | Omit<ComparisonReport, 'reproduce'>

/**
 * Checks, before any work, that the report can be written and overwrites nothing.
 * @param others files that are read or written otherwise
 * @throws USAGE, FILE_WRITE
 */
export function checkReport(path: string | undefined, others: readonly (string | undefined)[]): void {
  if (path === undefined) return
  checkReportFormat(path)
  checkOut(path, others, 'report')
}

/** Writes a report and says where it is. */
export async function writeReport(path: string, facts: ReportFacts, out: Console, isJson: boolean): Promise<void> {
  const reproduce: Reproduction = {
    command: commandLine(process.argv.slice(2)),
    date: new Date().toISOString(),
    versions: [
      ['adapter-train', VERSION],
      ['Node', process.version],
      ['system', `${process.platform} ${process.arch}`],
    ],
  }
  writeFileAtomic(path, await renderReport(path, { ...facts, reproduce }))
  if (isJson) out.info(`report     ${path}`)
  else out.result(`report     ${path}`)
}

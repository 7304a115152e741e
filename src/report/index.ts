import { extname } from 'node:path'
import { usageError } from '../errors.js'
import { comparisonPage } from './comparison-page.js'
import { gainPage } from './gain-page.js'
import type { Page } from './page.js'
import type { ComparisonReport, Report } from './report.js'

export type { ComparisonReport, Report, Reproduction } from './report.js'

type Render = (page: Page) => string | Promise<string>

/** Formats by extension, loaded when used. A new format is one file and one entry here. */
const FORMATS: Readonly<Record<string, () => Promise<Render>>> = {
  '.html': async () => (await import('./html.js')).renderHtml,
  '.md': async () => (await import('./markdown.js')).renderMarkdown,
}

/** Checks that a file's name ends in a known format of reports. */
export function checkReportFormat(path: string): void {
  if (Object.hasOwn(FORMATS, extname(path).toLowerCase())) return
  const expected = Object.keys(FORMATS).join(' or ')
  throw usageError(`--report ${path}: expected a name that ends in ${expected}`)
}

/**
 * Renders a report; equal reports give equal texts.
 * @param path a name that ends in `.html` or `.md`, which selects the format; nothing is written
 * @returns the content of the file
 * @throws USAGE if the name ends in neither
 */
export async function renderReport(path: string, report: Report | ComparisonReport): Promise<string> {
  checkReportFormat(path)
  const render = await FORMATS[extname(path).toLowerCase()]()
  return render('comparison' in report ? comparisonPage(report) : gainPage(report))
}

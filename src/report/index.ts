import { extname } from 'node:path'
import { AdapterTrainError } from '../errors.js'
import type { ComparisonReport } from './comparison/comparison.js'
import { comparisonPage } from './comparison/comparison-page.js'
import { gainPage } from './gain-page.js'
import type { Page } from './page.js'
import type { Report } from './report.js'

export type { ComparisonReport } from './comparison/comparison.js'
export type { Report, Reproduction } from './report.js'

type Render = (page: Page) => string | Promise<string>

/** Formats by extension, loaded when they are used. A new format is one file and one entry here. */
const FORMATS: Readonly<Record<string, () => Promise<Render>>> = {
  '.html': async () => (await import('./html.js')).renderHtml,
  '.md': async () => (await import('./markdown.js')).renderMarkdown,
}

/** What the name of a report may end in. */
const REPORT_EXTENSIONS = Object.keys(FORMATS)

/**
 * Checks that a report can be made in the format that a file's name asks for.
 * @throws USAGE when it is not known
 */
export function checkReportFormat(path: string): void {
  if (Object.hasOwn(FORMATS, extname(path).toLowerCase())) return
  const expected = REPORT_EXTENSIONS.join(' or ')
  throw new AdapterTrainError('USAGE', `--report ${path}: expected a name that ends in ${expected}`)
}

/**
 * Renders a report in the format that a file's name asks for; equal reports give equal texts.
 * @throws USAGE as `checkReportFormat`
 */
export async function renderReport(path: string, report: Report | ComparisonReport): Promise<string> {
  checkReportFormat(path)
  const render = await FORMATS[extname(path).toLowerCase()]()
  return render('comparison' in report ? comparisonPage(report) : gainPage(report))
}

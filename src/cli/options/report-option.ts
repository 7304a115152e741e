import { text } from './checks.js'

/** Option of the commands that write a report. */
export const reportOption = {
  type: 'string',
  coerce: text('report'),
  describe: 'file to write a report to: .html, one page with charts, or .md, for pull requests',
} as const

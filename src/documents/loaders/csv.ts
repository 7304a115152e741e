import { frequentDelimiter, withoutSeparatorLine } from '../../dataset/table.js'
import { loadText } from '../decode-text.js'
import { rowOf } from '../section.js'
import type { DocumentLoader } from './loader.js'

/** CSV as of RFC 4180 with a header row (comma, semicolon or tab): every row becomes one line, `column: value; ...`. */
export const csv: DocumentLoader = {
  name: 'CSV',
  extensions: ['.csv'],
  load: loadText(async text => {
    const { parse, CsvError } = await import('csv-parse/sync')
    let rows: string[][]
    try {
      rows = parse(withoutSeparatorLine(text), {
        delimiter: frequentDelimiter(text),
        record_delimiter: '\n',
        relax_column_count: true,
        relax_quotes: true,
        skip_empty_lines: true,
      })
    } catch (error) {
      if (!(error instanceof CsvError)) throw error
      const line = typeof error.lines === 'number' ? ` near line ${error.lines}` : ''
      return { sections: [], problem: `is not CSV${line}: a quote is not closed, or text follows a closing quote` }
    }
    const [header = [], ...records] = rows
    const columns = header.map(name => name.trim())
    const lines = records.map(cells => rowOf(cells.map((cell, i) => [columns[i] ?? '', cell]))).filter(Boolean)
    if (lines.length === 0) return { sections: [], problem: 'has no row under its header' }
    return { sections: [{ text: lines.join('\n'), rows: true }] }
  }),
}

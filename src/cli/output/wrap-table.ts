import { formatTable } from './console.js'
import { PLAIN, type Style } from './style.js'
import { visibleWidth } from './visible-width.js'

/** Blanks between two columns of a table. */
const GAP = 2

/**
 * A table that fits a terminal: columns that find no room stand in further tables below, each with the first column again.
 * @param columns those of the terminal; where it is undefined, one table however wide
 */
export function wrapTable(
  rows: readonly (readonly string[])[],
  columns: number | undefined,
  style: Style = PLAIN,
): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map(cells => visibleWidth(cells[i]))))
  const tables: number[][] = []
  let room = 0
  for (let i = 1; i < widths.length; i++) {
    room -= GAP + widths[i]
    if (tables.length === 0 || room < 0) {
      tables.push([0])
      room = (columns ?? Number.POSITIVE_INFINITY) - widths[0] - GAP - widths[i]
    }
    tables.at(-1)!.push(i)
  }
  return tables
    .map(picked =>
      formatTable(
        rows.map(cells => picked.map(i => cells[i])),
        style,
      ),
    )
    .join('\n\n')
}

import type { SampleRow } from '../contracts/vector-index.js'

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** SQL that makes a table of rows, with a vector and, if it is halved, a `halfvec` beside it. */
export function tableSql(table: string, rows: readonly SampleRow[], { half = false, type = 'text' } = {}): string {
  const dimensions = rows[0].vector.length
  const values = rows.map(({ id, text, kind, vector }) => {
    const list = `'[${vector.join(',')}]'`
    return `(${[literal(id), literal(text), literal(kind), list, ...(half ? [list] : [])].join(', ')})`
  })
  const column = half ? `, half halfvec(${dimensions})` : ''
  return `CREATE TABLE ${table} (id ${type} PRIMARY KEY, body text, kind text, embedding vector(${dimensions})${column});
    INSERT INTO ${table} VALUES ${values.join(',\n')};`
}

/** A condition that PostgreSQL takes, and one that would write if more than one statement ran. */
export const SQL_FILTERS = { filter: "kind = 'third'", brokenFilter: 'true); DROP TABLE plain; --' }

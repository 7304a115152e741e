import { openSqlIndex, SQL_PARAMS } from './sql.js'
import { type IndexKind, indexError, loadClient } from './vector-index.js'

/** A table of PostgreSQL with pgvector, by the client `pg`; users, passwords and TLS come from its PG* variables. */
export const pgvector: IndexKind = {
  name: 'pgvector',
  form: 'pgvector://HOST/DATABASE?id=COLUMN&vector=COLUMN&text=COLUMN#TABLE, or pgvector:///DATABASE?host=/SOCKET/FOLDER#TABLE',
  params: [...SQL_PARAMS, 'host'],
  async open(address) {
    const { default: pg } = await loadClient('pg', () => import('pg'))
    const { host, path, params, id } = address
    const secret = process.env.PGPASSWORD
    const [, name, port] = /^(.*?)(?::(\d+))?$/.exec(host)!
    const client = new pg.Client({
      ...((params.host ?? name) && { host: params.host ?? name.replace(/^\[|\]$/g, '') }),
      ...(port !== undefined && { port: Number(port) }),
      ...(path.length > 1 && { database: path.slice(1) }),
    })
    // A server that goes away is named by the next statement.
    client.on('error', () => {})
    try {
      await client.connect()
    } catch (error) {
      throw indexError(id, error, secret)
    }
    const types = { getTypeParser: () => (text: string) => text }
    const sql = {
      query: async (text: string, values: readonly unknown[] = []) => {
        const config = { text, values: [...values], rowMode: 'array' as const, types, queryMode: 'extended' }
        return (await client.query(config)).rows as unknown[][]
      },
      exec: (text: string) => client.query(text),
      end: () => client.end(),
    }
    return openSqlIndex(sql, address, secret).catch(async error => {
      await client.end().catch(() => {})
      throw error
    })
  },
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openSqlIndex, SQL_PARAMS } from './sql.js'
import { type IndexKind, indexError, loadClient } from './vector-index.js'

const PACKAGES = '@electric-sql/pglite @electric-sql/pglite-pgvector'

/** A table of PGlite, PostgreSQL inside of this process, in a folder that nothing else has open. */
export const pglite: IndexKind = {
  name: 'pglite',
  form: 'pglite:///FOLDER?id=COLUMN&vector=COLUMN&text=COLUMN#TABLE',
  params: SQL_PARAMS,
  async open(address) {
    const folder = `${address.host}${address.path}`
    // PGlite would make it.
    if (!existsSync(join(folder, 'PG_VERSION'))) throw indexError(address.id, `${folder} is not a folder of PGlite`)
    const { PGlite } = await loadClient(PACKAGES, () => import('@electric-sql/pglite'))
    const { vector } = await loadClient(PACKAGES, loadExtension)
    const database = await PGlite.create(folder, { extensions: { vector } }).catch(error => {
      throw indexError(address.id, error)
    })
    const client = {
      query: async (text: string, values: readonly unknown[] = []) =>
        (await database.query<unknown[]>(text, [...values], { rowMode: 'array' })).rows,
      exec: (text: string) => database.exec(text),
      end: () => database.close(),
    }
    return openSqlIndex(client, address).catch(async error => {
      await database.close()
      throw error
    })
  },
}

/** Until 0.4 the extension was part of PGlite. */
async function loadExtension(): Promise<typeof import('@electric-sql/pglite-pgvector')> {
  const before: string = '@electric-sql/pglite/vector'
  return import('@electric-sql/pglite-pgvector').catch(() => import(before))
}

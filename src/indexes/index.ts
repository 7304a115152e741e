import { usageError } from '../errors.js'
import { nearest } from '../words.js'
import { checkedIndex, readingAnswers } from './checked-index.js'
import type { IndexAddress, IndexKind, VectorIndex } from './vector-index.js'

/** Kinds of index, each loaded when it is used. */
export const INDEXES: Readonly<Record<string, () => Promise<IndexKind>>> = {
  pgvector: async () => (await import('./pgvector.js')).pgvector,
  pglite: async () => (await import('./pglite.js')).pglite,
  lancedb: async () => (await import('./lancedb.js')).lancedb,
  qdrant: async () => (await import('./qdrant.js')).qdrant,
  chroma: async () => (await import('./chroma.js')).chroma,
}

export const INDEX_NAMES = Object.keys(INDEXES)

/**
 * Opens a vector index for reading; nothing is ever written.
 *
 * `pgvector://host/db#table`, `pglite:///folder#table`, `lancedb:///folder#table`, `qdrant+http://host:6333#collection`,
 * `chroma+http://host:8000#collection`; the parameters `id`, `vector` and `text` name columns. Passwords and keys come from the
 * client's own environment variables (PGPASSWORD, QDRANT_API_KEY, CHROMA_API_KEY), never from the URL.
 * @throws USAGE if the URL is wrong; INDEX_OPEN if the client is not installed, or the index cannot be read. Also later, at an answer
 *   that is not one of an index
 */
export async function openIndex(url: string): Promise<VectorIndex> {
  const address = parseIndexUrl(url)
  const kind = await INDEXES[address.scheme.split('+')[0]]()
  const other = Object.keys(address.params).find(name => !kind.params.includes(name))
  if (other !== undefined) throw usageError(`${address.id}: unknown parameter "${other}"; expected ${kind.form}`)
  return checkedIndex(await readingAnswers(address.id, () => kind.open(address)))
}

/** True for the URL of an index, which holds no secrets. */
export function isIndexUrl(text: string): boolean {
  return INDEX_NAMES.includes(/^([a-z]+)(\+https?)?:\/\//.exec(text)?.[1] ?? '') && !text.includes('@')
}

/** Reads the URL of an index. @throws USAGE if it is not one, lacks the table, or holds a password */
export function parseIndexUrl(text: string): IndexAddress {
  const wrong = (problem: string) => usageError(`--index: ${problem}`)
  const [, scheme = ''] = /^([a-z+]+):\/\//i.exec(text) ?? []
  const [name] = scheme.toLowerCase().split('+')
  if (!Object.hasOwn(INDEXES, name)) {
    const near = nearest(name, INDEX_NAMES)
    const hint = near === undefined ? '' : ` (did you mean ${near}?)`
    throw wrong(`expected a URL that begins with ${INDEX_NAMES.join('://, ')}://, found another text${hint}`)
  }
  let url: URL
  let path: string
  let table: string
  try {
    url = new URL(text)
    ;[path, table] = [url.pathname, url.hash.slice(1)].map(decodeURIComponent)
  } catch {
    throw wrong(`the ${name} URL cannot be parsed; expected ${name}://HOST/...#TABLE`)
  }
  if (url.username !== '' || url.password !== '') {
    const problem = 'found a user or a password in the URL, which would stay in the shell history and in logs'
    throw wrong(`${problem}. Give them in the variables of the client, such as PGUSER and PGPASSWORD`)
  }
  if (table === '') throw wrong(`expected #TABLE or #COLLECTION at the end of the ${name} URL, found none`)
  return {
    scheme: scheme.toLowerCase(),
    host: url.host,
    path,
    params: Object.fromEntries(url.searchParams),
    table,
    id: `${scheme}://${url.host}${path}#${table}`,
  }
}

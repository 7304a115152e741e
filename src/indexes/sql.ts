import { endianness } from 'node:os'
import type { ApproximateSearch, Effort, IndexAddress, IndexMetric, RowParts, VectorIndex } from './vector-index.js'
import {
  checkEffort,
  chooseColumn,
  doubling,
  indexError,
  METRICS,
  rowOf,
  SCAN_SIZE,
  settingsOf,
  TEXT_COLUMNS,
} from './vector-index.js'

export interface SqlClient {
  /** Runs one statement by the extended protocol, which refuses several; rows are arrays of texts. */
  query(text: string, values?: readonly unknown[]): Promise<readonly (readonly unknown[])[]>
  exec(text: string): Promise<unknown>
  end(): Promise<void>
}

export const SQL_PARAMS = ['id', 'vector', 'text', 'metric'] as const
const OPERATORS: Readonly<Record<IndexMetric, string>> = { cosine: '<=>', l2: '<->', dot: '<#>' }
/** Settings of a transaction in which no index answers. */
const EXACT = ['enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan'].map(name => `${name} = off`)
/** pgvector's own limits and defaults. */
const HNSW = { ef_search: 40, most: 1000 } as const
/** Setting of pgvector 0.8 and later. */
const ITERATIVE = 'iterative_scan'

/** Makes an index of a table with a column of pgvector's type `vector` or `halfvec`. All statements run in READ ONLY transactions. */
export async function openSqlIndex(
  client: SqlClient,
  { id, table, params }: IndexAddress,
  secret?: string,
): Promise<VectorIndex> {
  const from = table.split('.').map(quoted).join('.')

  /** Runs work in one READ ONLY transaction. */
  async function reading<T>(settings: readonly string[], work: () => Promise<T>): Promise<T> {
    try {
      await client.exec(['BEGIN READ ONLY', ...settings.map(setting => `SET LOCAL ${setting}`)].join('; '))
      return await work()
    } catch (error) {
      throw indexError(id, error, secret)
    } finally {
      await client.exec('ROLLBACK').catch(() => {})
    }
  }

  const columns = await reading([], () =>
    client.query(
      `SELECT a.attname, t.typname, a.atttypmod FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
      [from],
    ),
  )
  if (columns.length === 0) throw indexError(id, `there is no table ${table}, or it may not be read`)
  const names = namesOf(columns)
  const vectors = columns.filter(([, type]) => type === 'vector' || type === 'halfvec')
  const vector = chooseColumn(id, 'vector', params.vector, namesOf(vectors), ['embedding', 'vector'])!
  const idColumn = chooseColumn(id, 'id', params.id, names, ['id'])!
  const textColumn = chooseColumn(id, 'text', params.text, names, TEXT_COLUMNS)
  const [, type, declared] = vectors.find(([name]) => name === vector)!
  const [column, key] = [quoted(vector), `${quoted(idColumn)}::text`]
  const where = (filter?: string, more = `${column} IS NOT NULL`) =>
    `WHERE ${more}${filter === undefined ? '' : ` AND (${filter})`}`
  const dimensions =
    Number(declared) > 0
      ? Number(declared)
      : Number((await reading([], () => client.query(`SELECT vector_dims(${column}) FROM ${from} ${where()} LIMIT 1`)))[0]?.[0])
  const indexes = await reading([], () =>
    client.query(
      `SELECT m.amname, o.opcname, c.reloptions::text, (SELECT extversion FROM pg_extension WHERE extname = 'vector')
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
       JOIN pg_opclass o ON o.oid = i.indclass[0] JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
       WHERE i.indrelid = to_regclass($1) AND a.attname = $2 AND i.indisvalid AND m.amname IN ('hnsw', 'ivfflat')
       ORDER BY c.oid`,
      [from, vector],
    ),
  )
  const [kind, operators, options, version] = (indexes[0] ?? []).map(String)
  const ofIndex = METRICS.get(/_(cosine|l2|ip)_ops$/.exec(operators ?? '')?.[1] ?? '')
  const metric = ofIndex ?? METRICS.get(params.metric ?? 'cosine')
  if (metric === undefined) throw indexError(id, `expected metric=cosine, l2 or ip, found "${params.metric}"`)
  const canIterate = Number(version?.split('.')[1]) >= 8 || Number(version?.split('.')[0]) > 0
  const ann = kind === undefined ? undefined : approximate(kind, options, canIterate)
  const selected = ({ vectors: withVectors, text }: RowParts) =>
    [
      key,
      withVectors ? `encode(vector_send(${column}::vector), 'base64')` : 'NULL',
      text && textColumn !== undefined ? `${quoted(textColumn)}::text` : 'NULL',
    ].join(', ')

  return {
    id,
    dimensions,
    metric,
    storage: type === 'halfvec' ? 'float16' : 'float32',
    ...(ann && { ann }),
    hasTexts: textColumn !== undefined,
    notes: [
      ...(ann ? [] : [`${table} has no HNSW or IVFFlat index on ${vector}: every search is an exact scan`]),
      ...(indexes.length > 1 ? [`${vector} has ${indexes.length} indexes; the first, ${operators}, names the metric`] : []),
    ],
    async count(filter) {
      const rows = await reading([], () => client.query(`SELECT count(*)::text FROM ${from} ${where(filter)}`))
      return Number(rows[0][0])
    },
    async *scan({ filter, size = SCAN_SIZE, ...parts } = {}) {
      try {
        // Rows come from the table's start, so that two scans have one order.
        await client.exec('BEGIN READ ONLY; SET LOCAL synchronize_seqscans = off')
        const select = `SELECT ${selected(parts)} FROM ${from} ${where(filter)}`
        await client.query(`DECLARE adapter_train NO SCROLL CURSOR FOR ${select}`)
        for (;;) {
          const rows = await client.query(`FETCH ${size} FROM adapter_train`)
          if (rows.length === 0) return
          yield rows.map(toRow)
        }
      } catch (error) {
        throw indexError(id, error, secret)
      } finally {
        await client.exec('ROLLBACK').catch(() => {})
      }
    },
    fetch: (ids, parts = {}) =>
      reading([], async () => {
        const wanted = where(undefined, `${column} IS NOT NULL AND ${key} = ANY($1)`)
        return (await client.query(`SELECT ${selected(parts)} FROM ${from} ${wanted}`, [ids])).map(toRow)
      }),
    async search(query, k, { filter, exact, effort = {} } = {}) {
      checkEffort(id, effort, settingsOf(ann))
      const settings = exact ? EXACT : Object.entries(effort).map(([name, value]) => `${kind}.${name} = ${value}`)
      const distance = `${column} ${OPERATORS[metric]} $1::${type}`
      const select = `SELECT ${key} FROM ${from} ${where(filter)} ORDER BY ${distance} LIMIT ${k}`
      const rows = await reading(settings, () => client.query(select, [`[${query.join(',')}]`]))
      return rows.map(([found]) => String(found))
    },
    close: () => client.end(),
  }
}

function approximate(kind: string, options: string, canIterate: boolean): ApproximateSearch {
  const isGraph = kind === 'hnsw'
  const lists = Number(/lists=(\d+)/.exec(options)?.[1] ?? 100)
  const ladder: Effort[] = isGraph
    ? doubling(HNSW.ef_search / 4, HNSW.most).map(ef_search => ({ ef_search }))
    : doubling(1, lists).map(probes => ({ probes }))
  // Searches on if a filter has left fewer rows than asked for.
  const iterative: Effort = { ...ladder[ladder.length - 1], [ITERATIVE]: isGraph ? 'strict_order' : 'relaxed_order' }
  return {
    kind,
    effort: isGraph ? { ef_search: HNSW.ef_search } : { probes: 1 },
    ladder: canIterate ? [...ladder, iterative] : ladder,
    filterSetting: ITERATIVE,
    remedy: `set hnsw.${ITERATIVE} (pgvector 0.8)`,
  }
}

const toRow = ([id, vector, text]: readonly unknown[]) =>
  rowOf(String(id), typeof vector === 'string' ? decodeVector(vector) : undefined, text)

/** Decodes the wire form of `vector`: dimensions, two unused bytes, then float32, big-endian. */
function decodeVector(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64').subarray(4)
  const vector = new Float32Array(bytes.length / Float32Array.BYTES_PER_ELEMENT)
  const own = Buffer.from(vector.buffer)
  bytes.copy(own)
  if (endianness() === 'LE') own.swap32()
  return vector
}

const namesOf = (rows: readonly (readonly unknown[])[]): string[] => rows.map(([name]) => String(name))

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

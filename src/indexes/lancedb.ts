import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../errors.js'
import { fromFloat16Bits } from '../math/bytes.js'
import type { ApproximateSearch, Effort, IndexKind, IndexMetric, IndexRow, RowParts } from './vector-index.js'
import { checkEffort, chooseColumn, doubling, indexError, loadClient, rowOf, settingsOf, TEXT_COLUMNS } from './vector-index.js'

type Table = import('@lancedb/lancedb').Table
type VectorQuery = import('@lancedb/lancedb').VectorQuery
type Batch = Awaited<ReturnType<Table['toArrow']>>['batches'][number]

const IDS = 500
/** Partitions that a search of an IVF index looks into. */
const NPROBES = 20
const METRICS: readonly string[] = ['l2', 'cosine', 'dot']

/** A table of LanceDB in a folder, by its own client. */
export const lancedb: IndexKind = {
  name: 'lancedb',
  form: 'lancedb:///FOLDER?id=COLUMN&vector=COLUMN&text=COLUMN&metric=cosine#TABLE',
  params: ['id', 'vector', 'text', 'metric'],
  async open({ id, host, path, params, table: name }) {
    const folder = `${host}${path}`
    // LanceDB would make it.
    if (!existsSync(join(folder, `${name}.lance`))) throw indexError(id, `${folder} has no table ${name}`)
    // Its messages end in places of its source and in their causes.
    const failed = (error: unknown): never => {
      throw indexError(id, messageOf(error).replace(/, \/\S+:\d+:\d+[\s\S]*$/, ''))
    }
    const { connect } = await loadClient('@lancedb/lancedb apache-arrow', () => import('@lancedb/lancedb'))
    const table = await connect(folder)
      .then(database => database.openTable(name))
      .catch(failed)
    const { fields } = await table.schema()
    const lists = fields.filter(field => /^FixedSizeList\[\d+\]<Float(16|32|64)>$/.test(String(field.type)))
    const vector = chooseColumn(id, 'vector', params.vector, namesOf(lists), ['vector', 'embedding'])!
    const idColumn = chooseColumn(id, 'id', params.id, namesOf(fields), ['id'])!
    const textColumn = chooseColumn(id, 'text', params.text, namesOf(fields), TEXT_COLUMNS)
    const [, size, bits] = /\[(\d+)\]<Float(\d+)>/.exec(String(lists.find(field => field.name === vector)!.type))!
    const dimensions = Number(size)
    const ids = idCondition(idColumn, String(fields.find(field => field.name === idColumn)!.type))
    const index = (await table.listIndices()).find(({ columns }) => columns.includes(vector))
    const metric = index ? await metricOf(table, index) : ((params.metric ?? 'l2') as IndexMetric)
    if (!METRICS.includes(metric)) throw indexError(id, `expected metric=${METRICS.join(', ')}, found "${metric}"`)
    const ann = index && approximate(index.indexType)
    const columnsOf = ({ vectors, text }: RowParts) => [
      ...new Set([idColumn, ...(vectors ? [vector] : []), ...(text && textColumn !== undefined ? [textColumn] : [])]),
    ]
    const rowsOf = (batch: Batch, parts: RowParts): IndexRow[] => {
      const [keys, list, texts] = [idColumn, vector, textColumn ?? ''].map(column => batch.getChild(column))
      const values = parts.vectors ? vectorsOf(batch, vector, dimensions) : undefined
      const rows: IndexRow[] = []
      for (let i = 0; i < batch.numRows; i++) {
        if (values && list!.nullCount > 0 && !list!.isValid(i)) continue
        rows.push(rowOf(String(keys!.get(i)), values?.(i), parts.text ? texts?.get(i) : undefined))
      }
      return rows
    }
    async function* read(filter: string | undefined, parts: RowParts) {
      const query = table.query().select(columnsOf(parts))
      try {
        for await (const batch of filter === undefined ? query : query.where(filter)) {
          yield rowsOf(batch as unknown as Batch, parts)
        }
      } catch (error) {
        failed(error)
      }
    }
    return {
      id,
      dimensions,
      metric,
      storage: `float${bits}`,
      ...(ann && { ann }),
      hasTexts: textColumn !== undefined,
      notes: ann ? [] : [`${name} has no index on ${vector}: every search is an exact scan`],
      count: filter => table.countRows(filter).catch(failed),
      scan: ({ filter, ...parts } = {}) => read(filter, parts),
      async fetch(wanted, parts = {}) {
        const found: IndexRow[] = []
        for (let i = 0; i < wanted.length; i += IDS) {
          const condition = ids(wanted.slice(i, i + IDS))
          if (condition !== undefined) {
            for await (const rows of read(condition, parts)) for (const row of rows) found.push(row)
          }
        }
        return found
      },
      async search(query, k, { filter, exact, effort = {} } = {}) {
        checkEffort(id, effort, settingsOf(ann))
        let search = table.vectorSearch(query).column(vector).distanceType(metric).select([idColumn, '_distance']).limit(k)
        if (filter !== undefined) search = search.where(filter)
        const rows = await (exact ? search.bypassVectorIndex() : withEffort(search, effort)).toArray().catch(failed)
        return rows.map(row => String(row[idColumn]))
      },
      close: async () => table.close(),
    }
  },
}

async function metricOf(table: Table, index: { readonly name: string; readonly indexDetails?: unknown }) {
  const { metric_type } = (index.indexDetails ?? {}) as { readonly metric_type?: string }
  const found = metric_type ?? (await table.indexStats(index.name))?.distanceType ?? 'l2'
  return found.toLowerCase() as IndexMetric
}

function withEffort(search: VectorQuery, { nprobes, refine_factor, ef }: Effort): VectorQuery {
  if (nprobes !== undefined) search = search.nprobes(Number(nprobes))
  if (refine_factor !== undefined) search = search.refineFactor(Number(refine_factor))
  return ef === undefined ? search : search.ef(Number(ef))
}

function approximate(type: string): ApproximateSearch {
  const kind = type.toLowerCase()
  const probes = doubling(NPROBES / 4, NPROBES * 16).map((nprobes): Effort => ({ nprobes }))
  const quantised = /pq|sq|rq/.test(kind)
  // Distances of compressed vectors are refined with the stored ones.
  const refined = [2, 5, 10, 20, 50].map((refine_factor, i): Effort => ({ nprobes: NPROBES * 2 ** i, refine_factor }))
  const graph = kind.includes('hnsw')
    ? [50, 100, 200, 400].map((ef): Effort => ({ nprobes: NPROBES, ef, refine_factor: 10 }))
    : []
  return {
    kind,
    effort: { nprobes: NPROBES },
    ladder: quantised || graph.length > 0 ? [...probes.slice(0, 3), ...refined, ...graph] : probes,
  }
}

/** Makes the condition for ids, of numbers or texts; undefined if none of them can be there. */
function idCondition(column: string, type: string): (ids: readonly string[]) => string | undefined {
  const isNumber = /int/i.test(type)
  return ids => {
    const values = isNumber
      ? ids.filter(id => /^-?\d{1,19}$/.test(id) && BigInt.asIntN(64, BigInt(id)) === BigInt(id))
      : ids.map(id => `'${id.replaceAll("'", "''")}'`)
    return values.length > 0 ? `\`${column}\` IN (${values.join(', ')})` : undefined
  }
}

/** Makes a function that returns a row's vector, of the batch's memory if it is of float32. */
function vectorsOf(batch: Batch, column: string, dimensions: number): (row: number) => Float32Array {
  const list = batch.getChild(column)!
  const data = list.data[0]
  const values = data?.children[0]?.values as Float32Array | Float64Array | Uint16Array | undefined
  const asFloats = (part: ArrayLike<number>) =>
    part instanceof Float32Array
      ? part
      : part instanceof Uint16Array
        ? Float32Array.from(part, fromFloat16Bits)
        : Float32Array.from(part)
  if (values && list.data.length === 1 && data.offset === 0 && values.length === batch.numRows * dimensions)
    return row => asFloats(values.subarray(row * dimensions, (row + 1) * dimensions))
  return row => asFloats((list.get(row) as { toArray(): ArrayLike<number> }).toArray())
}

const namesOf = (fields: readonly { readonly name: string }[]): string[] => fields.map(({ name }) => name)

import type { AdapterKind, Weights } from '../adapters/kind.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { topKOn } from '../evaluate/top-k-on.js'
import type { Mining } from '../losses/batch-source.js'
import { dot, norm, row } from '../math/matrix.js'
import { gatherRows, normalizedSource, type RowSource, type Rows, rowSource, selectedRows } from '../math/row-source.js'
import { adaptOn } from './adapt-on.js'

/** Mined documents of each query, one list after the other. */
export interface MinedState {
  readonly queries: Uint32Array
  readonly counts: Uint32Array
  readonly documents: Uint32Array
}

/** Values of the queries that are adapted and searched at once: 32 MiB as float32. */
const BLOCK_VALUES = 8 * 1024 * 1024

/** Finds hard negatives with the current adapter, by exact search over all documents, and hands them to the source. */
export async function mine(
  engine: Engine,
  kind: AdapterKind,
  weights: Weights,
  data: EmbeddedDataset<Rows>,
  mining: Mining,
  { signal, blockValues = BLOCK_VALUES }: { readonly signal?: AbortSignal; readonly blockValues?: number } = {},
): Promise<void> {
  const { queryRows, count } = mining
  const units = normalizedSource(rowSource(data.docs))
  const tieRank = tieRankOf(data.docIds)
  const size = Math.max(1, Math.floor(blockValues / data.queries.cols))
  for (let start = 0; start < queryRows.length; start += size) {
    const part = queryRows.subarray(start, start + size)
    const adapted = await adaptOn(engine, kind, weights, selectedRows(data.queries, part))
    const ceilings = Array.from(part, (query, i) =>
      mining.ceiling(cosines(row(adapted, i), units, Uint32Array.from(data.positives[query].keys()))),
    )
    const { k, rows, scores } = await topKOn(engine, adapted, data.docs, count, tieRank, {
      signal,
      allows: (i, document, score) => score <= ceilings[i] && mining.allows(part[i], document),
    })
    part.forEach((query, i) => {
      let end = i * k
      while (end < (i + 1) * k && scores[end] > Number.NEGATIVE_INFINITY) end++
      mining.accept(query, rows.slice(i * k, end))
    })
  }
}

/** @param units rows of unit length */
function cosines(query: Float32Array, units: RowSource, rows: Uint32Array): number[] {
  const length = norm(query)
  const found = gatherRows(units, rows)
  return Array.from(rows, (_, i) => (length > 0 ? dot(query, row(found, i)) / length : 0))
}

/** Remembers the mined documents, which a later adapter would no longer find. */
export function recordMining(mining: Mining | undefined, saved: MinedState | undefined) {
  if (!mining) return { mining, mined: () => undefined }
  const known = new Map<number, Uint32Array>()
  const accept = (query: number, documents: Uint32Array): void => {
    known.set(query, documents)
    mining.accept(query, documents)
  }
  let start = 0
  saved?.queries.forEach((query, i) => {
    accept(query, saved.documents.slice(start, start + saved.counts[i]))
    start += saved.counts[i]
  })
  return {
    mining: { ...mining, accept },
    mined() {
      const lists = [...known.values()]
      return {
        queries: Uint32Array.from(known.keys()),
        counts: Uint32Array.from(lists, ({ length }) => length),
        documents: Uint32Array.from(lists.flatMap(list => [...list])),
      }
    },
  }
}

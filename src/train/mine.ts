import type { AdapterKind, Weights } from '../adapters/kind.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { tieRankOf } from '../evaluate/top-k.js'
import { topKOn } from '../evaluate/top-k-on.js'
import type { Mining } from '../losses/candidates.js'
import { dot, norm, row } from '../math/matrix.js'
import { blocksOf, normalizedSource, type RowSource, type Rows, rowSource, selectedRows } from '../math/row-source.js'
import { adaptOn } from './adapt-on.js'

/** Values of the queries that are adapted and searched for at once: 32 MiB as float32. */
const BLOCK_VALUES = 8 * 1024 * 1024

/**
 * Finds hard negatives with an adapter as it stands, by exact search in blocks over all documents, and hands them to the source
 * that asked for them.
 *
 * @throws ABORTED when `signal` was aborted
 */
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

/** @param units rows of length 1 */
function cosines(query: Float32Array, units: RowSource, rows: Uint32Array): number[] {
  const length = norm(query)
  const found: number[] = []
  for (const { block } of blocksOf(selectedRows(units, rows))) {
    for (let i = 0; i < block.rows; i++) found.push(length > 0 ? dot(query, row(block, i)) / length : 0)
  }
  return found
}

import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { labelledRows } from '../embed/embedded-dataset.js'
import { permutation, type Random } from '../math/random.js'
import type { Rows } from '../math/row-source.js'
import { type Copies, copiesAmong, EXCLUDED, maskedRows, slotsFor, targetRows, totalWeight } from './batch-columns.js'
import type { CandidateBatch, CandidateOptions, CandidateSource } from './candidates.js'

/** Default of `maxNegatives`. */
export const MAX_NEGATIVES = 4096

/**
 * Batches of queries that are ranked against one pool of documents, with a target spread over all positives of a query by their
 * grades. A pool of more than `maxNegatives` (and a quarter) is sampled anew every epoch; the logits of the sample then carry
 * log(rest of the pool / sample), so that the softmax estimates the one over the whole pool.
 *
 * @param pool rows of the documents, without repetition
 */
export function createPooledSource(
  data: EmbeddedDataset<Rows>,
  pool: Uint32Array,
  { batchSize, maxNegatives = MAX_NEGATIVES }: CandidateOptions,
): CandidateSource {
  const queries = labelledRows(data)
  const whole = pool.length <= maxNegatives + (maxNegatives >> 2)
  const copies = copiesAmong(data, pool)

  function* epoch(random: Random): Iterable<CandidateBatch> {
    const order = permutation(queries.length, random).map(i => queries[i])
    const batches: Uint32Array[] = []
    for (let start = 0; start < order.length; start += batchSize) batches.push(order.subarray(start, start + batchSize))
    if (whole) {
      const columnOf = columnsOf(pool)
      for (const batch of batches) yield wholePool(data, batch, pool, columnOf, copies)
      return
    }
    const sample = permutation(pool.length, random)
      .subarray(0, maxNegatives)
      .sort()
      .map(i => pool[i])
    const sampled = columnsOf(sample)
    const own = batches.map(batch => ownDocuments(data, batch))
    const slots = slotsFor(own)
    for (let b = 0; b < batches.length; b++) {
      yield sampledPool(data, batches[b], { sample, sampled, own: own[b], slots, poolSize: pool.length, copies })
    }
  }
  return {
    examples: queries.length,
    weight: totalWeight(data, queries),
    steps: Math.ceil(queries.length / batchSize),
    epoch,
  }
}

function wholePool(
  data: EmbeddedDataset<Rows>,
  queryRows: Uint32Array,
  pool: Uint32Array,
  columnOf: ReadonlyMap<number, number>,
  copies: Copies,
): CandidateBatch {
  const targets = targetRows(data, queryRows, columnOf)
  const masked = maskedRows(data, queryRows, row => columnOf.get(row), copies)
  return { queryRows, pool, documentRows: new Uint32Array(0), targets, masked }
}

interface Sample {
  readonly sample: Uint32Array
  readonly sampled: ReadonlyMap<number, number>
  /** Documents of the batch's positives. */
  readonly own: Uint32Array
  readonly slots: number
  readonly poolSize: number
  readonly copies: Copies
}

/** The sample first, then the batch's positives, which count in full; what the sample holds of them is left out there. */
function sampledPool(data: EmbeddedDataset<Rows>, queryRows: Uint32Array, s: Sample): CandidateBatch {
  const { sample, sampled, own, slots, poolSize } = s
  const documentRows = new Uint32Array(slots).fill(own[0])
  documentRows.set(own)
  const twice = own.filter(row => sampled.has(row))
  const offset = new Float32Array(sample.length + slots)
  offset.fill(Math.log((poolSize - own.length) / Math.max(1, sample.length - twice.length)), 0, sample.length)
  for (const row of twice) offset[sampled.get(row)!] = EXCLUDED
  offset.fill(EXCLUDED, sample.length + own.length)
  const columnOf = new Map(Array.from(own, (row, i) => [row, sample.length + i]))
  const targets = targetRows(data, queryRows, columnOf)
  const masked = maskedRows(data, queryRows, row => columnOf.get(row) ?? sampled.get(row), s.copies)
  return { queryRows, pool: sample, documentRows, targets, masked, offset }
}

function columnsOf(rows: Uint32Array): Map<number, number> {
  return new Map(Array.from(rows, (row, column) => [row, column]))
}

/** Documents that are a positive of some query of the batch, in ascending order. */
function ownDocuments(data: EmbeddedDataset<Rows>, queryRows: Uint32Array): Uint32Array {
  const rows = new Set<number>()
  for (const query of queryRows) for (const document of data.positives[query].keys()) rows.add(document)
  return Uint32Array.from(rows).sort()
}

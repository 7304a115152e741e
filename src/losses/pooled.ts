import { type EmbeddedDataset, labelledRows } from '../embed/embedded-dataset.js'
import { type Random, sampleRows } from '../math/random.js'
import { type Rows, rowRange } from '../math/row-source.js'
import {
  type Copies,
  copiesAmong,
  documentsOf,
  EXCLUDED,
  epochSize,
  maskedRows,
  shuffledBatches,
  slotsFor,
  targetRows,
} from './batch-columns.js'
import type { BatchSource, Negatives, SourceOptions, TrainingBatch } from './batch-source.js'

/**
 * Makes batches of queries ranked against one pool of documents, with targets spread over all positives of a query by grade. A pool
 * of more than 1.25 `maxNegatives` is sampled again in every epoch; the logits of the sample then carry log(rest of the pool /
 * sample), so that the softmax estimates the one over the whole pool.
 */
export function createPooledSource(
  data: EmbeddedDataset<Rows>,
  pool: Uint32Array,
  { batchSize, maxNegatives }: Pick<SourceOptions, 'batchSize' | 'maxNegatives'>,
): BatchSource {
  const queries = labelledRows(data)
  const whole = pool.length <= maxNegatives + (maxNegatives >> 2)
  const copies = copiesAmong(data, pool)

  function* epoch(random: Random): Iterable<TrainingBatch> {
    const batches = shuffledBatches(queries, batchSize, random)
    if (whole) {
      const columnOf = columnsOf(pool)
      for (const batch of batches) yield wholePool(data, batch, pool, columnOf, copies)
      return
    }
    const sample = sampleRows(pool, maxNegatives, random)
    const sampled = columnsOf(sample)
    const own = batches.map(batch => Uint32Array.from(documentsOf(data, batch)).sort())
    const slots = slotsFor(own)
    for (let b = 0; b < batches.length; b++) {
      yield sampledPool(data, batches[b], { sample, sampled, own: own[b], slots, poolSize: pool.length, copies })
    }
  }
  return { ...epochSize(data, queries, batchSize), epoch }
}

function wholePool(
  data: EmbeddedDataset<Rows>,
  queryRows: Uint32Array,
  pool: Uint32Array,
  columnOf: ReadonlyMap<number, number>,
  copies: Copies,
): TrainingBatch {
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

/** Puts the sample first, without the batch's positives, then these, which count in full. */
function sampledPool(data: EmbeddedDataset<Rows>, queryRows: Uint32Array, s: Sample): TrainingBatch {
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

const columnsOf = (rows: Uint32Array): Map<number, number> => new Map(Array.from(rows, (row, column) => [row, column]))

/** Softmax over the whole corpus, as in retrieval. */
export const corpus: Negatives = {
  name: 'corpus',
  description: 'all documents, sampled above --max-negatives',
  create: (data, options) => createPooledSource(data, rowRange(0, data.docs.rows), options),
}

/** Softmax over every positive of the training queries: far more negatives than a batch has, each one an answer to some query. */
export const positives: Negatives = {
  name: 'positives',
  description: 'every document that is a positive of some training query',
  create: (data, options) =>
    createPooledSource(data, Uint32Array.from(documentsOf(data, data.positives.keys())).sort(), options),
}

import { type EmbeddedDataset, labelledRows } from '../embed/embedded-dataset.js'
import { sampleRows } from '../math/random.js'
import { type Rows, rowRange } from '../math/row-source.js'
import {
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
  const copies = copiesAmong(data, pool)

  function* wholePool(batches: readonly Uint32Array[]): Iterable<TrainingBatch> {
    const columnOf = columnsOf(pool)
    for (const queryRows of batches) {
      const targets = targetRows(data, queryRows, columnOf)
      const masked = maskedRows(data, queryRows, row => columnOf.get(row), copies)
      yield { queryRows, pool, documentRows: new Uint32Array(0), targets, masked }
    }
  }

  /** Puts the sample first, without the batch's positives, then these, which count in full. */
  function* sampledPool(batches: readonly Uint32Array[], sample: Uint32Array): Iterable<TrainingBatch> {
    const sampled = columnsOf(sample)
    const positives = batches.map(batch => Uint32Array.from(documentsOf(data, batch)).sort())
    const slots = slotsFor(positives)
    for (const [b, queryRows] of batches.entries()) {
      const own = positives[b]
      const documentRows = new Uint32Array(slots).fill(own[0])
      documentRows.set(own)
      const twice = own.filter(row => sampled.has(row))
      const offset = new Float32Array(sample.length + slots)
      offset.fill(Math.log((pool.length - own.length) / Math.max(1, sample.length - twice.length)), 0, sample.length)
      for (const row of twice) offset[sampled.get(row)!] = EXCLUDED
      offset.fill(EXCLUDED, sample.length + own.length)
      const columnOf = columnsOf(own, sample.length)
      const targets = targetRows(data, queryRows, columnOf)
      const masked = maskedRows(data, queryRows, row => columnOf.get(row) ?? sampled.get(row), copies)
      yield { queryRows, pool: sample, documentRows, targets, masked, offset }
    }
  }

  return {
    ...epochSize(data, queries, batchSize),
    epoch(random) {
      const batches = shuffledBatches(queries, batchSize, random)
      const isWhole = pool.length <= maxNegatives + (maxNegatives >> 2)
      return isWhole ? wholePool(batches) : sampledPool(batches, sampleRows(pool, maxNegatives, random))
    },
  }
}

const columnsOf = (rows: Uint32Array, first = 0): Map<number, number> => new Map(Array.from(rows, (row, i) => [row, first + i]))

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
  create: (data, options) => createPooledSource(data, Uint32Array.from(documentsOf(data, data.positives.keys())).sort(), options),
}

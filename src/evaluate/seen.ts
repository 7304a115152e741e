import { createHash } from 'node:crypto'
import type { QADataset } from '../dataset/dataset.js'
import { foldText } from '../dataset/fold-text.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { row } from '../math/matrix.js'
import { blocksOf, type Rows, selectedRows } from '../math/row-source.js'

/** For each query the keys of its relevant documents; equal keys are the same document, in whichever corpus. */
export type RelevantKeys = readonly (readonly string[])[]

/**
 * Which test queries ask for a document that training queries asked for.
 *
 * A document is seen when it is relevant to a training query; a query is seen when any of its relevant documents is, so that the
 * others are certain to need what no training query showed.
 *
 * @returns one value a query of `test`
 */
export function seenQueries(train: RelevantKeys, test: RelevantKeys): boolean[] {
  const seen = new Set(train.flat())
  return test.map(keys => keys.some(key => seen.has(key)))
}

/**
 * Keys by text, whatever the ids: texts that are the same when folded (case, white space) are one document.
 * @param queryIds the queries and their order, such as `Evaluator.queryIds`; all by default
 */
export function relevantTexts(dataset: QADataset, queryIds: Iterable<string> = dataset.queries.keys()): RelevantKeys {
  const keyOf = memoized((id: string) => hashOf(foldText(dataset.corpus.get(id) ?? id)))
  return Array.from(queryIds, queryId =>
    [...(dataset.qrels.get(queryId) ?? [])].filter(([, grade]) => grade > 0).map(([id]) => keyOf(id)),
  )
}

/**
 * Keys by vector, where there are no texts: documents with the same vector are one, which they are to any adapter.
 * @param queryRows the queries and their order, such as `Evaluator.queryRows`; all by default
 */
export function relevantVectors(data: EmbeddedDataset<Rows>, queryRows?: Iterable<number>): RelevantKeys {
  const rows = Array.from(queryRows ?? data.positives.keys())
  const asked = Uint32Array.from(new Set(rows.flatMap(i => [...data.positives[i].keys()]))).sort()
  const keys = new Map<number, string>()
  for (const { start, block } of blocksOf(selectedRows(data.docs, asked))) {
    for (let i = 0; i < block.rows; i++) {
      const { buffer, byteOffset, byteLength } = row(block, i)
      keys.set(asked[start + i], hashOf(new Uint8Array(buffer, byteOffset, byteLength)))
    }
  }
  return rows.map(i => Array.from(data.positives[i].keys(), doc => keys.get(doc)!))
}

function memoized<K>(compute: (key: K) => string): (key: K) => string {
  const known = new Map<K, string>()
  return key => {
    let value = known.get(key)
    if (value === undefined) {
      value = compute(key)
      known.set(key, value)
    }
    return value
  }
}

function hashOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64')
}

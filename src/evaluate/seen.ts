import { createHash } from 'node:crypto'
import type { QADataset } from '../dataset/dataset.js'
import { foldText } from '../dataset/fold-text.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { type Rows, rowSource } from '../math/row-source.js'

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
  const docs = rowSource(data.docs)
  const vector = new Float32Array(docs.cols)
  const keyOf = memoized((doc: number) => {
    docs.gather(Uint32Array.of(doc), vector)
    return hashOf(new Uint8Array(vector.buffer))
  })
  return Array.from(queryRows ?? data.positives.keys(), i => Array.from(data.positives[i].keys(), keyOf))
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

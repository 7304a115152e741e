import { getOrInsert } from '../maps.js'
import type { QADataset } from './dataset.js'

export type MergeCounts = ReturnType<typeof mergeDatasets>['counts']

/** Merges datasets: texts equal up to white space and Unicode form are one, and a pair keeps its highest grade. */
export function mergeDatasets(datasets: readonly QADataset[]) {
  const sides = { queries: createSide(), corpus: createSide() }
  const qrels = new Map<string, Map<string, number>>()
  const times = new Map<string, number>()
  let [judgements, grades] = [0, 0]
  for (const dataset of datasets) {
    const queryIds = sides.queries.add(dataset.queries)
    const documentIds = sides.corpus.add(dataset.corpus)
    for (const [query, time] of dataset.times ?? []) {
      const id = queryIds.get(query)!
      times.set(id, Math.min(time, times.get(id) ?? time))
    }
    for (const [query, judged] of dataset.qrels) {
      const queryId = queryIds.get(query)!
      const known = getOrInsert(qrels, queryId, () => new Map())
      for (const [document, grade] of judged) {
        const documentId = documentIds.get(document)!
        const earlier = known.get(documentId)
        if (earlier !== undefined) judgements++
        if (earlier !== undefined && earlier !== grade) grades++
        known.set(documentId, Math.max(earlier ?? grade, grade))
      }
    }
  }
  const { queries, corpus } = sides
  const name = datasets.map(dataset => dataset.name).join(' + ')
  return {
    dataset: {
      name,
      queries: queries.texts,
      corpus: corpus.texts,
      qrels,
      ...(datasets.every(({ sharedIds }) => sharedIds) && { sharedIds: true }),
      ...(times.size > 0 && { times }),
    },
    counts: {
      /** Queries and documents with the text of an earlier one. */
      queries: queries.counts.merged,
      documents: corpus.counts.merged,
      /** Judgements of a pair judged before, and those of them with another grade; the highest is kept. */
      judgements,
      grades,
      /** Ids of an earlier, other text, which got a number appended. */
      renamed: queries.counts.renamed + corpus.counts.renamed,
    },
  }
}

function createSide() {
  const texts = new Map<string, string>()
  const idOf = new Map<string, string>()
  const counts = { merged: 0, renamed: 0 }
  const freeId = (id: string): string => {
    for (let n = 2; ; n++) if (!texts.has(`${id}-${n}`)) return `${id}-${n}`
  }
  const add = (added: ReadonlyMap<string, string>): Map<string, string> => {
    const ids = new Map<string, string>()
    for (const [id, text] of added) {
      const key = text.normalize('NFC').replace(/\s+/g, ' ').trim()
      if (idOf.has(key)) counts.merged++
      const make = (): string => {
        const own = texts.has(id) ? freeId(id) : id
        if (own !== id) counts.renamed++
        texts.set(own, text)
        return own
      }
      ids.set(id, getOrInsert(idOf, key, make))
    }
    return ids
  }
  return { texts, counts, add }
}

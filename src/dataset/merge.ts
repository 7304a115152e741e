import type { QADataset } from './dataset.js'

/** What was put together when data sets were merged. */
export interface MergeCounts {
  /** Queries and documents whose text an earlier one has, whatever their ids. */
  readonly queries: number
  readonly documents: number
  /** Judgements of a pair that is judged already, and those of them with another grade; the highest is kept. */
  readonly judgements: number
  readonly grades: number
  /** Ids that an earlier, other text has, and so got a number behind them. */
  readonly renamed: number
}

/**
 * Puts data sets together, so that one text (but for white space and Unicode normal form) is one query or one document.
 *
 * Nothing that was judged is lost: what was said of equal texts is said of the first of them, and of several grades of a pair
 * the highest is kept.
 *
 * @param datasets one at the least; one alone is cleaned of its own repetitions
 */
export function mergeDatasets(datasets: readonly QADataset[]): {
  readonly dataset: QADataset
  readonly counts: MergeCounts
} {
  const sides = { queries: createSide(), corpus: createSide() }
  const qrels = new Map<string, Map<string, number>>()
  let [judgements, grades] = [0, 0]
  for (const dataset of datasets) {
    const queryIds = sides.queries.add(dataset.queries)
    const documentIds = sides.corpus.add(dataset.corpus)
    for (const [query, judged] of dataset.qrels) {
      const queryId = queryIds.get(query)!
      const known = qrels.get(queryId) ?? new Map<string, number>()
      qrels.set(queryId, known)
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
    dataset: { name, queries: queries.texts, corpus: corpus.texts, qrels },
    counts: {
      queries: queries.counts.merged,
      documents: corpus.counts.merged,
      judgements,
      grades,
      renamed: queries.counts.renamed + corpus.counts.renamed,
    },
  }
}

/** Gathers texts of one kind; `add` gives for each id the one that stands for it from now on. */
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
      let own = idOf.get(key)
      if (own !== undefined) counts.merged++
      else {
        own = texts.has(id) ? freeId(id) : id
        if (own !== id) counts.renamed++
        texts.set(own, text)
        idOf.set(key, own)
      }
      ids.set(id, own)
    }
    return ids
  }
  return { texts, counts, add }
}

import { createRandom, permutation } from '../math/random.js'
import type { QADataset } from './dataset.js'

export interface SampleSize {
  /** Labelled queries, at most. */
  readonly queries: number
  /** Documents, at most; those that answer a drawn query are there in any case. */
  readonly documents: number
  /** Characters of all texts, about: no more is drawn once there are so many, but for the first `leastQueries`. */
  readonly characters: number
  readonly leastQueries: number
}

/**
 * A seeded sample of a data set: labelled queries with their documents, and other documents beside them; all in the data set's order.
 * The queries take half of the characters at most, with their documents.
 */
export function drawSample(dataset: QADataset, size: SampleSize, seed: number): QADataset {
  const { name, queries, corpus, qrels } = dataset
  const random = createRandom(seed)
  const labelled = [...queries.keys()].filter(id => positivesOf(dataset, id).length > 0)
  const chosen = new Set<string>()
  const kept = new Set<string>()
  let characters = 0
  const keep = (document: string): void => {
    if (!kept.has(document)) characters += corpus.get(document)?.length ?? 0
    kept.add(document)
  }
  for (const i of permutation(labelled.length, random)) {
    if (chosen.size >= size.leastQueries && (chosen.size >= size.queries || 2 * characters >= size.characters)) break
    chosen.add(labelled[i])
    characters += queries.get(labelled[i])!.length
    positivesOf(dataset, labelled[i]).forEach(keep)
  }
  const documents = [...corpus.keys()]
  for (const i of permutation(documents.length, random)) {
    if (kept.size >= size.documents || characters >= size.characters) break
    keep(documents[i])
  }
  const judged = [...qrels].filter(([query]) => chosen.has(query))
  return {
    name: `a sample of ${name}`,
    queries: new Map([...queries].filter(([id]) => chosen.has(id))),
    corpus: new Map([...corpus].filter(([id]) => kept.has(id))),
    qrels: new Map(
      judged.map(([query, grades]) => [query, new Map([...grades].filter(([document]) => kept.has(document)))]),
    ),
  }
}

function positivesOf({ corpus, qrels }: QADataset, query: string): string[] {
  return [...(qrels.get(query) ?? [])].flatMap(([id, grade]) => (grade > 0 && corpus.has(id) ? [id] : []))
}

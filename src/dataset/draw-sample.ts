import { createRandom, permutation } from '../math/random.js'
import { positivesOf, type QADataset } from './dataset.js'

interface SampleSize {
  readonly queries: number
  /** Most documents, except those relevant to a drawn query. */
  readonly documents: number
  /** Characters of all texts at which drawing stops, except for the first `leastQueries`. */
  readonly characters: number
  readonly leastQueries: number
}

/**
 * Draws a seeded sample of a dataset, in its order: labelled queries with their documents, for at most half of the
 * characters, and other documents.
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
  const only = <T>(map: ReadonlyMap<string, T>, ids: ReadonlySet<string>) => new Map([...map].filter(([id]) => ids.has(id)))
  return {
    ...dataset,
    name: `a sample of ${name}`,
    queries: only(queries, chosen),
    corpus: only(corpus, kept),
    qrels: new Map([...only(qrels, chosen)].map(([query, grades]) => [query, only(grades, kept)])),
  }
}

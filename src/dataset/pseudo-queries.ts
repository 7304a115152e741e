import { createRandom, permutation } from '../math/random.js'
import type { QADataset } from './dataset.js'
import { foldText } from './fold-text.js'
import { openingSentences } from './opening-sentences.js'

/** When and how many first sentences of documents stand in for queries. */
export const PSEUDO_QUERIES = {
  /** Labelled training queries above which there are none: enough is known without. */
  mostLabelled: 200,
  /** Documents that give one, at most. */
  documents: 600,
  /** Fewer than this are not worth a try, which makes the proof of the others harder. */
  least: 20,
} as const

/** Sentences of a document that are asked for: where the first opens other documents too, the next one stands in. */
const SENTENCES = 3
/** Documents that are looked at, for one that is wanted: some have no sentence of their own. */
const SPARE = 2

/**
 * First sentences of documents as queries for their own documents, for training sets of few labelled queries.
 *
 * The documents are a seeded choice of at most 600 of the corpus, of equal texts one, whether they have labelled queries or not. A
 * document's query is the first of its opening sentences (see `openingSentences`) that opens no other document, as boilerplate
 * would, and is no training query; a document without such a sentence has none.
 *
 * @param train the training part, with its whole corpus
 * @returns the pairs, on the same corpus; undefined where there are more than 200 labelled queries, or none, or fewer than 20 such
 *   sentences
 * @see https://arxiv.org/abs/2004.14503 (Ma et al.), where titles and openings stand in for queries
 */
export function pseudoQueries(train: QADataset, seed: number): QADataset | undefined {
  const labelled = [...train.queries.keys()].filter(id => [...(train.qrels.get(id)?.values() ?? [])].some(g => g > 0))
  if (labelled.length === 0 || labelled.length > PSEUDO_QUERIES.mostLabelled) return undefined
  const openings = chosenDocuments(train, seed).map(([id, text]) => ({
    id,
    sentences: openingSentences(text, SENTENCES),
  }))

  const taken = new Map<string, number>()
  for (const query of train.queries.values()) taken.set(foldText(query), Number.POSITIVE_INFINITY)
  for (const { sentences } of openings) {
    for (const sentence of new Set(sentences.map(foldText))) taken.set(sentence, (taken.get(sentence) ?? 0) + 1)
  }
  const queries = new Map<string, string>()
  const qrels = new Map<string, ReadonlyMap<string, number>>()
  for (const { id, sentences } of openings) {
    const own = sentences.find(sentence => taken.get(foldText(sentence)) === 1)
    if (own === undefined || queries.size === PSEUDO_QUERIES.documents) continue
    const query = `first sentence of ${id}`
    queries.set(query, own)
    qrels.set(query, new Map([[id, 1]]))
  }
  return queries.size < PSEUDO_QUERIES.least
    ? undefined
    : { name: 'first sentences', queries, corpus: train.corpus, qrels }
}

/** Documents in a seeded order, of equal texts the first. */
function chosenDocuments({ corpus }: QADataset, seed: number): [id: string, text: string][] {
  const documents = [...corpus]
  const texts = new Set<string>()
  const chosen: [string, string][] = []
  for (const i of permutation(documents.length, createRandom(seed))) {
    const folded = foldText(documents[i][1])
    if (texts.has(folded)) continue
    texts.add(folded)
    if (chosen.push(documents[i]) === SPARE * PSEUDO_QUERIES.documents) break
  }
  return chosen
}

import { createRandom } from '../../src/math/random.js'

const WORDS = (
  'anchor barley cobalt dragon ember falcon garnet hazel indigo jasper kelp lantern ' +
  'pump valve sensor filter motor relay gauge hinge'
).split(' ')

export interface ShiftedOptions {
  /** The first document that is asked for. */
  readonly from: number
  readonly to: number
  /** A query names the words before those of its document; 0: the same words, which any base finds. */
  readonly shift: number
  readonly seed?: number
}

/** Documents of three words each, the same for every set, and for each of some documents two queries in shifted words. */
export function shifted({ from, to, shift, seed = 1 }: ShiftedOptions) {
  const random = createRandom(seed)
  const word = (i: number) => WORDS[(i + WORDS.length) % WORDS.length]
  const documents = Array.from({ length: 80 }, () => [0, 7, 13].map(step => random.int(6) + step))
  const asked = Array.from({ length: 2 * (to - from) }, (_, i) => ({
    id: `q${2 * from + i}`,
    document: from + (i >> 1),
  }))
  return {
    queries: Object.fromEntries(
      asked.map(({ id, document }, i) => [
        id,
        `${i % 2 ? 'mend' : 'clean'} ${documents[document].map(w => word(w - shift)).join(' ')} ${id}`,
      ]),
    ),
    corpus: Object.fromEntries(documents.map((words, d) => [`d${d}`, words.map(word).join(' ')])),
    relevant_docs: Object.fromEntries(asked.map(({ id, document }) => [id, [`d${document}`]])),
    mode: 'text',
  }
}

/** Queries and documents of random words that have nothing to do with each other. */
export function noise(pairs: number, documents: number, seed: number) {
  const random = createRandom(seed)
  const text = () => Array.from({ length: 5 }, () => WORDS[random.int(WORDS.length)] + random.int(50)).join(' ')
  const numbers = Array.from({ length: pairs }, (_, i) => i)
  return {
    queries: Object.fromEntries(numbers.map(i => [`q${i}`, text()])),
    corpus: Object.fromEntries(Array.from({ length: documents }, (_, i) => [`d${i}`, text()])),
    relevant_docs: Object.fromEntries(numbers.map(i => [`q${i}`, [`d${random.int(documents)}`]])),
    mode: 'text',
  }
}

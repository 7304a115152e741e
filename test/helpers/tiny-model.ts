import { HIDDEN, VOCAB, WEIGHTS } from '../../scripts/make-tiny-model.js'

const id = (token: string): number | undefined => VOCAB.get(token)
const UNKNOWN = id('[UNK]') as number

/** Token ids of a text with [CLS] and [SEP]; words outside the vocabulary may end in s, ed or ing. */
export function tinyTokens(text: string): number[] {
  const words = text.toLowerCase().match(/[a-z]+|[^\sa-z]/g) ?? []
  return ['[CLS]', ...words, '[SEP]'].flatMap(word => {
    const whole = id(word)
    if (whole !== undefined) return whole
    const [, stem, ending] = /^(.+?)(s|ed|ing)$/.exec(word) ?? []
    const known = stem === undefined ? undefined : id(stem)
    return known === undefined ? UNKNOWN : [known, id(`##${ending}`) as number]
  })
}

/** x[t] of the tiny model, worked out from its weights. */
function hidden(ids: readonly number[]): number[][] {
  return ids.map((id, t) =>
    Array.from({ length: HIDDEN }, (_, k) =>
      Math.tanh(WEIGHTS.word[id * HIDDEN + k] + WEIGHTS.position[t * HIDDEN + k] + WEIGHTS.type[k]),
    ),
  )
}

const meanOf = (rows: readonly number[][]): number[] =>
  Array.from({ length: HIDDEN }, (_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length)

/** Token vectors that the tiny model gives for these ids, without padding: x[t] + 0.5 * mean(x). */
export function tinyTokenVectors(ids: readonly number[]): number[][] {
  const x = hidden(ids)
  const context = meanOf(x)
  return x.map(row => row.map((value, k) => value + 0.5 * context[k]))
}

/** What the tiny model's own output `sentence_embedding` holds: -mean(x). */
export const tinySentence = (ids: readonly number[]): number[] => meanOf(hidden(ids)).map(value => -value)

/** Mean-pooled vector of a text, not normalised. */
export const tinyMean = (text: string): number[] => meanOf(tinyTokenVectors(tinyTokens(text)))

/** The vector scaled to length 1. */
export function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return vector.map(value => value / length)
}

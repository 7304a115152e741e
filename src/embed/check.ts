import { AdapterTrainError } from '../errors.js'
import { firstNonFinite } from '../math/matrix.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'

/** Name of a text in messages, such as `document kb-017`. */
export type Label = (index: number) => string

export const indexLabel: Label = index => `texts[${index}]`

type Given = { readonly providerId: string; readonly texts: readonly string[]; readonly label: Label }
type Bad = { readonly index: number; readonly problem: string }

/** @throws PROVIDER_INPUT if a text is empty, only white space, or not well-formed Unicode */
export function checkTexts(given: Given): void {
  const bad: Bad[] = []
  for (const [index, text] of given.texts.entries()) {
    if (text.trim() === '') bad.push({ index, problem: text === '' ? 'is empty' : 'is only white space' })
    else if (/\p{Surrogate}/u.test(text))
      bad.push({ index, problem: 'holds half of a surrogate pair, so it is not well-formed Unicode' })
  }
  if (bad.length > 0) throw refused(given, bad, 'remove or repair it')
}

/** `indices`: the texts to check. `tokens`: tokens of each of them. */
export function checkLengths(given: Given, indices: readonly number[], tokens: readonly number[], limit: number): void {
  const bad = indices.flatMap((index, i) =>
    tokens[i] > limit ? [{ index, problem: `has ${tokens[i]} tokens, the limit is ${limit}` }] : [],
  )
  if (bad.length > 0) throw refused(given, bad, 'split or shorten it')
}

function refused({ providerId, texts, label }: Given, bad: readonly Bad[], remedy: string): AdapterTrainError {
  const { index, problem } = bad[0]
  const names = bad.map(one => label(one.index))
  return new AdapterTrainError(
    'PROVIDER_INPUT',
    `${providerId} cannot embed ${names[0]} (${preview(texts[index])}): it ${problem}; ${remedy}${othersText(names)}. ` +
      'No request was sent',
    { details: { provider: providerId, count: bad.length, texts: names.slice(0, 20) } },
  )
}

/** Names the texts behind the first one that have the same fault. */
export function othersText(names: readonly string[]): string {
  const more = names.length <= 6 ? '' : ` and ${names.length - 6} more`
  return names.length === 1 ? '' : `; the same goes for ${names.slice(1, 6).join(', ')}${more}`
}

/** Quotes the first words of a text. */
export function preview(text: string): string {
  const start = Array.from(text.slice(0, 122)).slice(0, 60).join('')
  return JSON.stringify(start) + (start.length < text.length ? '...' : '')
}

/** Checks a provider's answer to one request. */
export function checkAnswer(
  provider: EmbeddingProvider,
  vectors: readonly Float32Array[],
  indices: readonly number[],
  dimensions: number | undefined,
  label: Label,
): void {
  if (!Array.isArray(vectors) || vectors.length !== indices.length) {
    const found = Array.isArray(vectors) ? `${vectors.length} vectors` : 'no list of vectors'
    throw wrong(provider, `${found} for ${indices.length} texts, from ${label(indices[0])} on`)
  }
  const expected = provider.dimensions ?? dimensions
  for (const [i, vector] of vectors.entries()) {
    const length = vector instanceof Float32Array ? vector.length : 0
    if (length === 0) throw wrong(provider, `no vector for ${label(indices[i])}`)
    if (length !== (expected ?? vectors[0].length))
      throw wrong(provider, `${length} values for ${label(indices[i])}, expected ${expected ?? vectors[0].length}`)
    const bad = firstNonFinite(vector)
    if (bad >= 0) throw wrong(provider, `${vector[bad]} at position ${bad} of the vector for ${label(indices[i])}`)
  }
}

/** True for a vector that is similar to nothing. */
export const isZero = (vector: Float32Array): boolean => vector.every(value => value === 0)

/** Most texts named in a warning. */
const NAMED = 5

/** Words the warning of vectors of zeros. @param zeros their rows */
export function zeroWarning(id: string, role: Role, zeros: readonly number[], nameOf: (row: number) => string): string {
  const named = zeros.slice(0, NAMED).map(nameOf).join(', ')
  const more = zeros.length > NAMED ? ` and ${zeros.length - NAMED} more` : ''
  const [what, have] = zeros.length === 1 ? [role, 'has a vector'] : [role === 'query' ? 'queries' : 'documents', 'have vectors']
  return `${id}: ${zeros.length} ${what} ${have} of zeros, similar to nothing: ${named}${more}`
}

/** Makes the error for a cache and a model whose vectors differ in length. */
export function changedModel({ id }: EmbeddingProvider, space: string, cached: number, now: number): AdapterTrainError {
  return new AdapterTrainError(
    'VECTOR_INVALID',
    `the cache holds vectors of ${cached} values for ${id}, the model now gives ${now}: the model behind this id has ` +
      `changed; prune the space "${space}" from the cache and re-embed, or give the new model another base id`,
    { details: { provider: id, space, cached, now } },
  )
}

function wrong(provider: EmbeddingProvider, found: string): AdapterTrainError {
  return new AdapterTrainError('PROVIDER_RESPONSE', `${provider.id} answered with ${found}`, {
    details: { provider: provider.id },
  })
}

import { AdapterTrainError } from '../errors.js'

/** Names a text in a message, such as `document kb-017`. */
export type Label = (index: number) => string

/** The default {@link Label}. */
export const indexLabel: Label = index => `texts[${index}]`

/**
 * Refuses texts that no model can embed.
 *
 * @throws PROVIDER_INPUT when a text is empty, only white space, or not well-formed Unicode
 */
export function checkTexts(providerId: string, texts: readonly string[], label: Label): void {
  const bad: { index: number; problem: string }[] = []
  for (const [index, text] of texts.entries()) {
    if (text.trim() === '') bad.push({ index, problem: text === '' ? 'is empty' : 'is only white space' })
    else if (/\p{Surrogate}/u.test(text)) {
      bad.push({ index, problem: 'holds half of a surrogate pair, so it is not well-formed Unicode' })
    }
  }
  if (bad.length > 0) throw refused(providerId, bad, texts, label, 'remove or repair it')
}

/**
 * Refuses texts that are too long for the model.
 *
 * @param indices which of `texts` to check
 * @param tokens tokens of each of them
 * @throws PROVIDER_INPUT when one has more than `limit` tokens
 */
export function checkLengths(
  providerId: string,
  texts: readonly string[],
  indices: readonly number[],
  tokens: readonly number[],
  limit: number,
  label: Label,
): void {
  const bad = indices.flatMap((index, i) =>
    tokens[i] > limit ? [{ index, problem: `has ${tokens[i]} tokens, the limit is ${limit}` }] : [],
  )
  if (bad.length > 0) throw refused(providerId, bad, texts, label, 'split or shorten it')
}

function refused(
  providerId: string,
  bad: readonly { index: number; problem: string }[],
  texts: readonly string[],
  label: Label,
  remedy: string,
): AdapterTrainError {
  const { index, problem } = bad[0]
  const others =
    bad.length === 1
      ? ''
      : `; the same goes for ${bad
          .slice(1, 6)
          .map(b => label(b.index))
          .join(', ')}`
  const more = bad.length <= 6 ? '' : ` and ${bad.length - 6} more`
  return new AdapterTrainError(
    'PROVIDER_INPUT',
    `${providerId} cannot embed ${label(index)} (${preview(texts[index])}): it ${problem}; ${remedy}${others}${more}. ` +
      'No request was sent',
    { details: { provider: providerId, count: bad.length, texts: bad.slice(0, 20).map(b => label(b.index)) } },
  )
}

function preview(text: string): string {
  const start = Array.from(text.slice(0, 122)).slice(0, 60).join('')
  return JSON.stringify(start) + (start.length < text.length ? '...' : '')
}

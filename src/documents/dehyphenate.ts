const WORD_BEFORE_BREAK = /([\p{L}\p{M}]+)([-\u2010\u00ad])$/u
const WORD_AFTER_BREAK = /^[\p{L}\p{M}\p{N}]+/u

/**
 * Puts words together that are broken at the end of a line; the whole word then stands on the first line.
 *
 * Whether the hyphen belongs to the word, the document itself tells: it stays where the word stands elsewhere with a hyphen
 * ("query-side") or where both parts are words of their own, and goes where the word stands elsewhere without. It stays before a capital
 * letter or digit and in a word with another hyphen; else it goes.
 *
 * @returns as many lines, of which some can be empty
 */
export function dehyphenate(lines: readonly string[]): string[] {
  const result = [...lines]
  const words = vocabulary(lines)
  for (let i = 0; i + 1 < result.length; i++) {
    const before = WORD_BEFORE_BREAK.exec(result[i])
    const after = WORD_AFTER_BREAK.exec(result[i + 1])
    if (!before || !after) continue
    const [hyphened, left, mark] = before
    const [right] = after
    const stem = result[i].slice(0, -hyphened.length)
    const glue = mark === '\u00ad' || !keepsHyphen(stem, left, right, words) ? '' : '-'
    const [rest] = result[i + 1].split(' ', 1)
    result[i] = `${stem}${left}${glue}${rest}`
    result[i + 1] = result[i + 1].slice(rest.length).trimStart()
  }
  return result
}

function keepsHyphen(stem: string, left: string, right: string, words: ReadonlySet<string>): boolean {
  if (/[-\u2010]$/u.test(stem) || /^[\p{Lu}\p{N}]/u.test(right)) return true
  const [a, b] = [left.toLowerCase(), right.toLowerCase()]
  if (words.has(`${a}-${b}`)) return true
  if (words.has(a + b)) return false
  return words.has(a) && words.has(b)
}

/** All words, with and without hyphens, that no line break touches. */
function vocabulary(lines: readonly string[]): Set<string> {
  const words = new Set<string>()
  lines.forEach((line, i) => {
    const found = [...line.matchAll(/[\p{L}\p{M}]+(?:[-\u2010][\p{L}\p{M}]+)*/gu)].map(([word]) => word)
    if (WORD_BEFORE_BREAK.test(line)) found.pop()
    if (i > 0 && WORD_BEFORE_BREAK.test(lines[i - 1])) found.shift()
    for (const word of found) words.add(word.toLowerCase().replaceAll('\u2010', '-'))
  })
  return words
}

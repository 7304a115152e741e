// The tokenizer's time grows with the square of a run without a break (a minute for 200,000 letters), so runs are cut.
const LONGEST_RUN = 400
const RUN = new RegExp(`\\S{${LONGEST_RUN}}|\\s{${LONGEST_RUN}}`, 'gu')

/**
 * Loads the tokenizer of OpenAI's embedding models (cl100k_base).
 * @returns a counter: exact, except an upper estimate for a text with more than 400 characters in a row without (or of nothing but)
 *   white space; `<|endoftext|>` and the like count as plain text
 */
export async function loadTokenCounter(): Promise<(text: string) => number> {
  const { countTokens } = await import('gpt-tokenizer/encoding/cl100k_base')
  const plainText = { disallowedSpecial: new Set<string>() }
  return text => {
    if (!hasLongRun(text)) return countTokens(text, plainText)
    let tokens = 0
    let start = 0
    for (const run of text.matchAll(RUN)) {
      const end = run.index + run[0].length
      // In rare cases a text has a token more than its two parts.
      tokens += countTokens(text.slice(start, end), plainText) + 1
      start = end
    }
    return tokens + (start < text.length ? countTokens(text.slice(start), plainText) : 0)
  }
}

/** True if {@link RUN} can match; skips most of the characters. */
function hasLongRun(text: string): boolean {
  const isSpace = (at: number) => text[at].trim() === ''
  for (let start = 0; start + LONGEST_RUN <= text.length; ) {
    let at = start + LONGEST_RUN - 1
    const wanted = isSpace(at)
    while (at > start && isSpace(at - 1) === wanted) at--
    if (at === start) return true
    start = at
  }
  return false
}

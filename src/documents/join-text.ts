// Scripts that are written without spaces between words: a line or page break in them is not a space.
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}、-〟︰-﹏！-｠]/u
const SENTENCE_END = /[\p{Sentence_Terminal}:][\p{Pe}\p{Pf}\p{Pi}"'*_]*$/u

/** What stands between two pieces of one paragraph: a space, or nothing in scripts that have none. */
export function gapBetween(before: string, after: string): '' | ' ' {
  const last = String.fromCodePoint(before.codePointAt(before.length - (isLowSurrogate(before) ? 2 : 1)) ?? 32)
  const first = String.fromCodePoint(after.codePointAt(0) ?? 32)
  return UNSPACED.test(last) && UNSPACED.test(first) ? '' : ' '
}

/** Whether a text ends as a sentence does. */
export function endsSentence(text: string): boolean {
  return SENTENCE_END.test(text.slice(-16).trimEnd())
}

function isLowSurrogate(text: string): boolean {
  const unit = text.charCodeAt(text.length - 1)
  return text.length > 1 && unit >= 0xdc00 && unit <= 0xdfff
}

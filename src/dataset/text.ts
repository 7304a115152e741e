/** Folds a text for comparison: NFKC, upper then lower case (so `ß` equals `SS`), white space collapsed and trimmed. */
export function foldText(text: string): string {
  // ASCII, most of all text, has nothing to normalise.
  const folded = /[^\0-\x7f]/.test(text)
    ? text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
    : text.toLowerCase()
  return (/[^\S ]| {2}/.test(folded) ? folded.replace(/\s+/g, ' ') : folded).trim()
}

/** Matches a character of a script without spaces between words. */
export const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u

/** Compares strings by code unit: the same on every machine, whatever its locale. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

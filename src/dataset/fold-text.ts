/**
 * A text as compared for "the same text": Unicode NFKC, case folded, white space collapsed and trimmed.
 *
 * Upper before lower case, so that `ß` equals `SS` and a final sigma equals a medial one.
 */
export function foldText(text: string): string {
  // ASCII, the most of all text, has nothing to normalise.
  const folded = /[^\0-\x7f]/.test(text)
    ? text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
    : text.toLowerCase()
  return (/[^\S ]| {2}/.test(folded) ? folded.replace(/\s+/g, ' ') : folded).trim()
}

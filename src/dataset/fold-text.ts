/**
 * A text as compared for "the same text": Unicode NFKC, case folded, white space collapsed and trimmed.
 *
 * Upper before lower case, so that `ß` equals `SS` and a final sigma equals a medial one.
 */
export function foldText(text: string): string {
  return text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC').replace(/\s+/g, ' ').trim()
}

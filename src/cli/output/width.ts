import stringWidth from 'string-width'

const ASCII = /^[\x20-\x7e]*$/
let segmenter: Intl.Segmenter | undefined

/** Columns of a text on a terminal; colours take none. */
export const visibleWidth = (text: string): number => (ASCII.test(text) ? text.length : stringWidth(text))

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - visibleWidth(text)))
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - visibleWidth(text))) + text
}

/** Cuts a text without colours to so many columns, with an ellipsis. */
export function truncate(text: string, columns: number): string {
  if (visibleWidth(text) <= columns) return text
  let [kept, width] = ['', 0]
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  for (const { segment } of segmenter.segment(text)) {
    width += visibleWidth(segment)
    if (width > columns - 1) break
    kept += segment
  }
  return columns > 0 ? `${kept}…` : ''
}

/** Puts a foreign text on one line of so many columns, without control characters, which could steer the terminal. */
export const oneLine = (text: string, columns: number): string => truncate(text.replace(/[\s\p{Cc}]+/gu, ' '), columns)

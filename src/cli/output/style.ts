import { styleText } from 'node:util'

const FORMATS = ['bold', 'dim', 'green', 'red', 'yellow'] as const
type Format = (typeof FORMATS)[number]

/** Marks of text on a terminal; without colours each returns the text as it is. */
export type Style = Readonly<Record<Format, (text: string) => string>>

function styleOf(format: (name: Format, text: string) => string): Style {
  return Object.fromEntries(FORMATS.map(name => [name, (text: string) => format(name, text)])) as Style
}

export const PLAIN: Style = styleOf((_, text) => text)

const COLOURED: Style = styleOf((name, text) => styleText(name, text, { validateStream: false }))

/**
 * The style for a stream: colours on a terminal only. The first of these that is set decides: `--color` or `--no-color`,
 * FORCE_COLOR (0 or false for none), NO_COLOR, TERM=dumb, and whether the stream is a terminal.
 * @see https://no-color.org, https://force-color.org
 */
export function styleFor({ isTTY }: { isTTY?: boolean }, wish?: boolean, env: NodeJS.ProcessEnv = process.env): Style {
  const { FORCE_COLOR, NO_COLOR, TERM } = env
  const forced = FORCE_COLOR ? FORCE_COLOR !== '0' && FORCE_COLOR !== 'false' : undefined
  const isColoured = wish ?? forced ?? (isTTY && !NO_COLOR && TERM !== 'dumb')
  return isColoured ? COLOURED : PLAIN
}

/** Breaks a text between words into lines of so many columns. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

/**
 * Adds the lines that a change marks with `+`, each group below the line before it, which has to be in the text exactly once.
 *
 * @param change lines that begin with `+`, or with a blank where they are there already; `...` stands for any number of others
 * @throws Error when a line that should be there is not, or is there more than once
 */
export function insertLines(text: string, change: string, name: string): string {
  const lines = text.split('\n')
  let at = -1
  for (const line of change.trimEnd().split('\n')) {
    if (line.trim() === '...') continue
    const content = line.slice(1)
    if (line.startsWith('+')) {
      if (at < 0) throw new Error(`${name}: the change does not say below which line "${content}" stands`)
      lines.splice(++at, 0, content)
      continue
    }
    const places = lines.flatMap((found, i) => (found === content ? [i] : []))
    if (places.length !== 1) throw new Error(`${name}: "${content}" is there ${places.length} times, expected once`)
    at = places[0]
  }
  return lines.join('\n')
}

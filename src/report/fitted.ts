/** A label that fits into so many pixels, at about seven a character. */
export function fitted(label: string, width: number): string {
  const most = Math.max(4, Math.floor(width / 7))
  return label.length <= most ? label : `${label.slice(0, most - 1)}…`
}

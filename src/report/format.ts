const NAMES: Readonly<Record<string, string>> = { ndcg: 'nDCG', mrr: 'MRR', map: 'MAP', hit: 'hit rate' }

/** "ndcg@10" -> "nDCG@10" */
export function metricName(spec: string): string {
  const [name, cut] = spec.split('@')
  return `${NAMES[name] ?? name}@${cut}`
}

/** 0.48951 -> "0.490" */
export function score(value: number): string {
  return `${value < 0 && Number(value.toFixed(3)) !== 0 ? '−' : ''}${Math.abs(value).toFixed(3)}`
}

/** -0.0123 -> "−0.012", with the sign that the rounded value has */
export function change(value: number): string {
  const rounded = Math.abs(value).toFixed(3)
  return Number(rounded) === 0 ? rounded : `${value < 0 ? '−' : '+'}${rounded}`
}

/** [0.016, 0.059] -> "+0.016 to +0.059" */
export function interval({ low, high }: { readonly low: number; readonly high: number }): string {
  return `${change(low)} to ${change(high)}`
}

/** 12345 -> "12,345" */
export function whole(value: number): string {
  return value.toLocaleString('en')
}

/** 25600 -> "25.6 kB", in powers of 1000 */
export function bytes(value: number): string {
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, value)) / 3))
  return `${power === 0 ? value : (value / 1000 ** power).toPrecision(3)} ${['B', 'kB', 'MB', 'GB'][power]}`
}

/** 0.0002 -> "< 0.001" */
export function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

/** At most `most` significant digits, without zeros at the end. */
export function digits(value: number, most = 3): string {
  return String(Number(value.toPrecision(most)))
}

/** The first characters of a text on one line, never half of a character. */
export function shorten(text: string, most: number): string {
  const line = text.replace(/\s+/gu, ' ').trim()
  if (line.length <= most) return line
  const cut = line.slice(0, most - 1)
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

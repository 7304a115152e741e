/** A list of texts without its duplicates. */
export interface UniqueTexts {
  /** Distinct texts, in order of first occurrence. */
  readonly texts: readonly string[]
  /** For each distinct text, where it first occurred. */
  readonly first: readonly number[]
  /** For each text of the list, its index in `texts`. */
  readonly indexOf: Uint32Array
}

/** Finds equal texts: same code units, no normalization, because a model may tell them apart. */
export function uniqueTexts(list: readonly string[]): UniqueTexts {
  const seen = new Map<string, number>()
  const first: number[] = []
  const indexOf = Uint32Array.from(list, (text, i) => {
    const known = seen.get(text)
    if (known !== undefined) return known
    seen.set(text, first.length)
    return first.push(i) - 1
  })
  return { texts: [...seen.keys()], first, indexOf }
}

import type { Judgements } from '../dataset/judgements.js'

/** Agreement of two judges on the pairs that both have judged. */
export type Agreement = ReturnType<typeof agreements>[number]

/**
 * Compares every two judges: the pairs of a query and a document that both judged, Cohen's kappa of their grades (1 is full agreement,
 * 0 that of chance; undefined without pairs), and the queries with different grades, those with most first.
 *
 *   kappa = (p - e) / (1 - e), p the share of equal grades, e that expected from the judges' own shares of each grade
 * @see Cohen, A coefficient of agreement for nominal scales, 1960
 */
export function agreements(judgements: Judgements) {
  const { queries } = judgements
  const judges = judgements.judges()
  return judges.flatMap((first, i) =>
    judges.slice(i + 1).map(second => {
      const other = judgements.of(second)
      const both: [number, number][] = []
      const apart = new Map<string, number>()
      for (const [query, judged] of judgements.of(first)) {
        for (const [document, grade] of judged) {
          const theirs = other.get(query)?.get(document)
          if (theirs === undefined) continue
          both.push([grade, theirs])
          if (grade !== theirs) apart.set(query, (apart.get(query) ?? 0) + 1)
        }
      }
      const disagreements = [...apart]
        .sort((a, b) => b[1] - a[1])
        .map(([query, documents]) => ({ query, text: queries.get(query)!.text, documents }))
      return { judges: [first, second], pairs: both.length, kappa: cohensKappa(both), disagreements }
    }),
  )
}

/** Cohen's kappa of pairs of grades; undefined without pairs. */
export function cohensKappa(pairs: readonly (readonly [number, number])[]): number | undefined {
  const n = pairs.length
  if (n === 0) return undefined
  const equal = pairs.filter(([a, b]) => a === b).length / n
  const share = (side: 0 | 1, grade: number): number => pairs.filter(pair => pair[side] === grade).length / n
  const grades = new Set(pairs.map(([a]) => a))
  let chance = 0
  for (const grade of grades) chance += share(0, grade) * share(1, grade)
  // Both gave one grade to everything: they agree as far as can be told.
  return chance === 1 ? 1 : (equal - chance) / (1 - chance)
}

/** Puts the numbers 0 to n - 1 in sets that can be joined. */
export function createDisjointSets(n: number) {
  const parent = Uint32Array.from({ length: n }, (_, i) => i)
  /** Returns the least number of the set that `i` is in. */
  const root = (i: number): number => {
    let r = i
    while (parent[r] !== r) {
      parent[r] = parent[parent[r]]
      r = parent[r]
    }
    return r
  }
  return {
    root,
    join(i: number, j: number): void {
      const [a, b] = [root(i), root(j)]
      parent[Math.max(a, b)] = Math.min(a, b)
    },
  }
}

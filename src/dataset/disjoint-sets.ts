/** Numbers 0 to n - 1 in sets that can be joined. */
export interface DisjointSets {
  /** The least number of the set that `i` is in. */
  root(i: number): number
  join(i: number, j: number): void
}

export function createDisjointSets(n: number): DisjointSets {
  const parent = Uint32Array.from({ length: n }, (_, i) => i)
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
    join(i, j) {
      const [a, b] = [root(i), root(j)]
      parent[Math.max(a, b)] = Math.min(a, b)
    },
  }
}

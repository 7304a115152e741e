import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { getOrInsert } from '../../maps.js'
import { createDisjointSets } from '../../math/disjoint-sets.js'
import { createRandom, permutation } from '../../math/random.js'

/** Numbers queries so that those that share a relevant document (or a copy of one), directly or through others, have the same number. */
export function documentGroups({ positives, docTextGroup }: Pick<EmbeddedDataset, 'positives' | 'docTextGroup'>): Uint32Array {
  return groupsOf(positives.map(documents => Array.from(documents.keys(), document => docTextGroup[document])))
}

/** Numbers things by their keys so that those that share one, directly or through others, have the same number. */
export function groupsOf<K>(keys: readonly (readonly K[])[]): Uint32Array {
  const sets = createDisjointSets(keys.length)
  const owner = new Map<K, number>()
  for (const [i, own] of keys.entries()) {
    for (const key of own) {
      const first = getOrInsert(owner, key, () => i)
      sets.join(i, first)
    }
  }
  return Uint32Array.from(keys, (_, i) => sets.root(i))
}

/** Assigns queries to evenly filled folds that keep groups whole, the largest first; a large one may leave folds empty. */
export function groupFolds(groups: Uint32Array, folds: number, seed?: number): Uint32Array {
  const sizes = new Map<number, number>()
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1)
  const names = [...sizes.keys()]
  const order =
    seed === undefined ? names.sort((a, b) => a - b) : Array.from(permutation(names.length, createRandom(seed)), i => names[i])
  const filled = new Array<number>(folds).fill(0)
  const foldOf = new Map<number, number>()
  for (const group of order.sort((a, b) => sizes.get(b)! - sizes.get(a)!)) {
    const fold = filled.indexOf(Math.min(...filled))
    foldOf.set(group, fold)
    filled[fold] += sizes.get(group)!
  }
  return groups.map(group => foldOf.get(group)!)
}

/** Assigns n queries to folds whose sizes differ by at most one. */
export function assignFolds(n: number, folds: number, seed: number): Uint32Array {
  const order = permutation(n, createRandom(seed))
  return order.map(position => position % folds)
}

import { createDisjointSets } from '../../dataset/disjoint-sets.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { createRandom, permutation } from '../../math/random.js'

/** For every query a number that it shares with the queries it has a relevant document (or a copy of one) in common with, directly or through others. */
export function documentGroups({
  positives,
  docTextGroup,
}: Pick<EmbeddedDataset, 'positives' | 'docTextGroup'>): Uint32Array {
  const sets = createDisjointSets(positives.length)
  const owner = new Map<number, number>()
  positives.forEach((documents, i) => {
    for (const document of documents.keys()) {
      const text = docTextGroup[document]
      const other = owner.get(text)
      if (other === undefined) owner.set(text, i)
      else sets.join(i, other)
    }
  })
  return Uint32Array.from(positives, (_, i) => sets.root(i))
}

/**
 * Folds that keep groups whole, so that no query that is held out has a document with training queries: filled evenly, the largest
 * group first. One large group may leave folds empty.
 * @param groups of every query
 */
export function groupFolds(groups: Uint32Array, folds: number, seed: number): Uint32Array {
  const sizes = new Map<number, number>()
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1)
  const names = [...sizes.keys()]
  const order = permutation(names.length, createRandom(seed))
  const shuffled = Array.from(order, i => names[i]).sort((a, b) => sizes.get(b)! - sizes.get(a)!)
  const filled = new Array<number>(folds).fill(0)
  const foldOf = new Map<number, number>()
  for (const group of shuffled) {
    const fold = filled.indexOf(Math.min(...filled))
    foldOf.set(group, fold)
    filled[fold] += sizes.get(group)!
  }
  return groups.map(group => foldOf.get(group)!)
}

/** Which fold each of n queries is held out in; folds differ in size by one at most. */
export function assignFolds(n: number, folds: number, seed: number): Uint32Array {
  const order = permutation(n, createRandom(seed))
  return order.map(position => position % folds)
}

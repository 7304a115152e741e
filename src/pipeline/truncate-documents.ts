import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { AdapterTrainError } from '../errors.js'
import type { Rows } from '../math/row-source.js'
import { truncateRows } from '../math/truncate.js'
import { type Material, PART_NAMES } from './embedded-parts.js'

/**
 * The material with the documents of an index that stores the first `dimensions` values of each vector; queries stay whole, since
 * an adapter can make use of all of them.
 *
 * @throws USAGE when there are not more dimensions than that
 */
export function truncateMaterial(material: Material, dimensions: number): Material {
  const d = material.train.queries.cols
  if (!Number.isSafeInteger(dimensions) || dimensions < 1 || dimensions >= d) {
    throw new AdapterTrainError(
      'USAGE',
      `--dimensions-out must be a whole number from 1 to ${d - 1}, less than the ${d} dimensions of ${material.baseId}; found ${dimensions}`,
    )
  }
  // Parts with the same corpus share its vectors, and go on doing so.
  const cut = new Map<Rows, Rows>()
  const truncated = (data: EmbeddedDataset<Rows>): EmbeddedDataset<Rows> => {
    let docs = cut.get(data.docs)
    if (!docs) {
      docs = truncateRows(data.docs, dimensions)
      cut.set(data.docs, docs)
    }
    return { ...data, docs }
  }
  const parts = Object.fromEntries(
    [...PART_NAMES, 'pseudo' as const].flatMap(name => (material[name] ? [[name, truncated(material[name])]] : [])),
  ) as Pick<Material, 'train'>
  return { ...material, ...parts, whole: material }
}

import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { AdapterTrainError } from '../errors.js'
import type { Rows } from '../math/row-source.js'
import { truncateRows } from '../math/truncate.js'
import { type EmbeddedParts, PART_NAMES } from './embedded-parts.js'

/**
 * The parts with the documents of an index that stores the first `dimensions` values of each vector; queries stay whole, since
 * an adapter can make use of all of them.
 *
 * @throws USAGE when there are not more dimensions than that
 */
export function truncateDocuments(embedded: EmbeddedParts, dimensions: number): EmbeddedParts {
  const d = embedded.train.queries.cols
  if (!Number.isSafeInteger(dimensions) || dimensions < 1 || dimensions >= d) {
    throw new AdapterTrainError(
      'USAGE',
      `--dimensions-out must be a whole number from 1 to ${d - 1}, less than the ${d} dimensions of ${embedded.baseId}; found ${dimensions}`,
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
    [...PART_NAMES, 'pseudo' as const].flatMap(name => (embedded[name] ? [[name, truncated(embedded[name])]] : [])),
  ) as Pick<EmbeddedParts, 'train'>
  return { ...embedded, ...parts, whole: embedded }
}

import type { Negatives } from './candidates.js'
import { createPooledSource } from './pooled.js'

/**
 * Softmax over every document that is a positive of some training query: far more negatives than a batch has, none of them a
 * document that nobody asks about.
 */
export const positives: Negatives = {
  name: 'positives',
  description: 'every document that is a positive of some training query',
  create(data, options) {
    const rows = new Set<number>()
    for (const query of data.positives) for (const document of query.keys()) rows.add(document)
    return createPooledSource(data, Uint32Array.from(rows).sort(), options)
  },
}

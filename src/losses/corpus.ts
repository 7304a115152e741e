import type { Negatives } from './candidates.js'
import { createPooledSource } from './pooled.js'

/** Softmax over the whole corpus: what retrieval does. */
export const corpus: Negatives = {
  name: 'corpus',
  description: 'all documents, sampled above --max-negatives',
  create: (data, options) =>
    createPooledSource(
      data,
      Uint32Array.from({ length: data.docs.rows }, (_, row) => row),
      options,
    ),
}

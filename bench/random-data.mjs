import { matrix, normalizeInPlace, row } from '../dist/math/matrix.js'

/**
 * Random rows of length 1.
 * @param {number} rows
 * @param {number} cols
 * @param {number} seed not 0
 */
export function randomUnitRows(rows, cols, seed) {
  const m = matrix(rows, cols)
  let x = seed
  for (let i = 0; i < m.data.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    m.data[i] = x / 2147483648
  }
  for (let i = 0; i < rows; i++) normalizeInPlace(row(m, i))
  return m
}

/**
 * An embedded data set of random unit vectors: query i has document i modulo `documents` as its positive.
 * @param {number} queries
 * @param {number} documents
 * @param {number} dim
 * @returns {import('../dist/index.js').EmbeddedDataset}
 */
export function randomDataset(queries, documents, dim) {
  return {
    baseId: 'bench/random',
    queryIds: Array.from({ length: queries }, (_, i) => `q${i}`),
    docIds: Array.from({ length: documents }, (_, i) => `d${i}`),
    queries: randomUnitRows(queries, dim, 1),
    docs: randomUnitRows(documents, dim, 2),
    positives: Array.from({ length: queries }, (_, i) => new Map([[i % documents, 1]])),
    docTextGroup: Uint32Array.from({ length: documents }, (_, i) => i),
  }
}

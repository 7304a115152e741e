import { dot, type Matrix, matrix, norm, normalizedRows, normalizeInPlace, row } from '../../math/matrix.js'
import { createRandom, type Random } from '../../math/random.js'
import { bootstrapP } from '../../math/statistics/bootstrap.js'
import { mean } from '../../math/statistics/moments.js'
import { RECIPE } from '../recipe.js'
import { groupFolds } from './folds.js'
import type { Search } from './search.js'
import type { SearchPoint } from './search-point.js'

const CLUSTERS = 12
const FOLDS = 3
const ROUNDS = 10
/** Fewest queries for clusters that mean something. */
const LEAST_QUERIES = 100

/** Gain on clusters of similar queries held out whole. */
export interface ClusterSplit {
  /** Mean gain on queries unlike those trained on. */
  readonly gain: number
  /** Bootstrap p-value of the gain. */
  readonly p: number
}

/**
 * Measures the gain of a point with whole clusters of similar queries held out: what may be left of it on other subjects. A
 * warning, not a proof: it is more pessimistic than a test on the subjects trained on.
 */
export async function clusterSplit(search: Search, point: SearchPoint): Promise<ClusterSplit | undefined> {
  const { sample, seed } = search
  if (sample.queries.rows < LEAST_QUERIES) return undefined
  const folds = groupFolds(kMeans(normalizedRows(sample.queries), CLUSTERS, seed), FOLDS)
  const [{ scores }, base] = [await search.crossValidate(point, folds), await search.base()]
  const delta = scores.map((value, i) => value - base[i])
  return { gain: mean(delta), p: bootstrapP(delta, { samples: RECIPE.gateSamples, seed }) }
}

/**
 * Clusters unit rows by spherical k-means, started by k-means++.
 * @see https://doi.org/10.1023/A:1007612920971 (Dhillon and Modha)
 */
export function kMeans(units: Matrix, k: number, seed: number): Uint32Array {
  const { rows: n, cols: d } = units
  const centers = startingCenters(units, Math.min(k, n), createRandom(seed))
  const clusters = new Uint32Array(n)
  for (let round = 0; round < ROUNDS; round++) {
    let moved = 0
    const sums = matrix(centers.rows, d)
    for (let i = 0; i < n; i++) {
      const q = row(units, i)
      const nearest = nearestRow(centers, q)
      if (clusters[i] !== nearest || round === 0) moved++
      clusters[i] = nearest
      const sum = row(sums, nearest)
      for (let j = 0; j < d; j++) sum[j] += q[j]
    }
    if (moved === 0) break
    for (let c = 0; c < centers.rows; c++) {
      const sum = row(sums, c)
      // An empty cluster keeps its center.
      if (norm(sum) > 0) row(centers, c).set(normalizeInPlace(sum))
    }
  }
  return clusters
}

function nearestRow(centers: Matrix, q: Float32Array): number {
  let nearest = 0
  let similarity = Number.NEGATIVE_INFINITY
  for (let c = 0; c < centers.rows; c++) {
    const found = dot(q, row(centers, c))
    if (found > similarity) {
      nearest = c
      similarity = found
    }
  }
  return nearest
}

/** Draws rows that lie apart, each in proportion to its squared distance from the nearest one before. */
function startingCenters(units: Matrix, k: number, random: Random): Matrix {
  const centers = matrix(k, units.cols)
  centers.data.set(row(units, random.int(units.rows)))
  const distances = new Float64Array(units.rows).fill(Number.POSITIVE_INFINITY)
  for (let c = 1; c < k; c++) {
    let total = 0
    for (let i = 0; i < units.rows; i++) {
      distances[i] = Math.max(0, Math.min(distances[i], 2 - 2 * dot(row(units, i), row(centers, c - 1))))
      total += distances[i]
    }
    let left = random.next() * total
    let chosen = 0
    while (chosen < units.rows - 1 && left >= distances[chosen]) left -= distances[chosen++]
    row(centers, c).set(row(units, chosen))
  }
  return centers
}

import { dot, type Matrix, matrix, norm, normalizedRows, normalizeInPlace, row } from '../../math/matrix.js'
import { createRandom, type Random } from '../../math/random.js'
import { bootstrapP } from '../../math/statistics/bootstrap.js'
import { mean } from '../../math/statistics/moments.js'
import { RECIPE } from '../recipe.js'
import type { Candidate } from './candidate.js'
import type { Search } from './search.js'

const CLUSTERS = 12
const FOLDS = 3
const ROUNDS = 10
/** Queries below which clusters say nothing. */
const LEAST_QUERIES = 100

/** The gain on clusters of like queries that were held out whole. */
export interface ClusterSplit {
  /** Mean gain on queries unlike those that were trained on. */
  readonly gain: number
  /** Bootstrap p of it. */
  readonly p: number
}

/**
 * The gain of a candidate when whole clusters of like queries are held out: what may be left of it on other subjects. A warning,
 * not a proof: it is more pessimistic than a test on the subjects that were trained on.
 *
 * @returns undefined where there are too few queries
 */
export async function clusterSplit(search: Search, candidate: Candidate): Promise<ClusterSplit | undefined> {
  const { sample, seed } = search
  if (sample.queries.rows < LEAST_QUERIES) return undefined
  const folds = clusterFolds(sample.queries, seed)
  const [{ scores }, base] = [await search.crossValidate(candidate, folds), await search.base()]
  const delta = scores.map((value, i) => value - base[i])
  return { gain: mean(delta), p: bootstrapP(delta, { samples: RECIPE.gateSamples, seed }) }
}

/** A fold for each query, such that the queries of a cluster share one; the folds are filled evenly, the largest cluster first. */
function clusterFolds(queries: Matrix, seed: number): Uint32Array {
  const clusters = kMeans(normalizedRows(queries), CLUSTERS, seed)
  const sizes = new Uint32Array(CLUSTERS)
  for (const cluster of clusters) sizes[cluster]++
  const filled = new Array<number>(FOLDS).fill(0)
  const foldOf = new Uint32Array(CLUSTERS)
  for (const cluster of Array.from(sizes.keys()).sort((a, b) => sizes[b] - sizes[a] || a - b)) {
    const fold = filled.indexOf(Math.min(...filled))
    foldOf[cluster] = fold
    filled[fold] += sizes[cluster]
  }
  return clusters.map(cluster => foldOf[cluster])
}

/**
 * Spherical k-means on unit rows, started by k-means++.
 * @returns the cluster of each row
 * @see https://doi.org/10.1023/A:1007612920971 (Dhillon and Modha)
 */
function kMeans(units: Matrix, k: number, seed: number): Uint32Array {
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

/** Rows that lie apart: each is drawn with a chance in proportion to its squared distance from the nearest before. */
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

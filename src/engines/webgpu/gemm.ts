import { getOrInsert } from '../../maps.js'
import type { GemmOptions } from '../engine.js'
import type { GpuTensor } from './failure.js'
import type { Queue } from './queue.js'
import type { GemmTile, GemmVariant } from './shaders/gemm.js'
import { gemmKernel, LARGE_TILE, MEDIUM_TILE, SMALL_TILE, SUM_SPLITS } from './shaders/gemm.js'

/** Workgroups that keep a large GPU busy: a few for each of its 100 to 200 multiprocessors. */
const ENOUGH_GROUPS = 512
/** Least depth of a split: below, adding the parts up costs more than the split gains. */
const MIN_SPLIT_DEPTH = 128

/** Spread of a product over the GPU. */
export type GemmPlan = ReturnType<typeof planGemm>

/** Chooses tile and splits for a product of [m, k] and [k, n]. */
export function planGemm(m: number, n: number, k: number) {
  const count = (tile: GemmTile): number => Math.ceil(m / tile.m) * Math.ceil(n / tile.n)
  const fills = count(LARGE_TILE) >= ENOUGH_GROUPS / 2
  const tile = Math.min(m, n) <= SMALL_TILE.m ? SMALL_TILE : fills ? LARGE_TILE : MEDIUM_TILE
  const wanted = Math.min(Math.floor(ENOUGH_GROUPS / count(tile)), Math.floor(k / MIN_SPLIT_DEPTH))
  // A multiple of the tile's, so that only the last split has a tail.
  const depth = Math.max(1, Math.ceil(k / Math.max(wanted, 1) / tile.k)) * tile.k
  return {
    tile,
    rowTiles: Math.ceil(m / tile.m),
    columnTiles: Math.ceil(n / tile.n),
    /** Parts into which the sum over k is split, so that small results fill the GPU too. */
    splits: Math.max(1, Math.ceil(k / depth)),
    depth,
  }
}

/** Makes {@link Engine.gemm}. `scratch`: returns a tensor of so many values, valid until the next call. */
export function createGemm(queue: Queue, scratch: (count: number) => GpuTensor, plan = planGemm) {
  const kernels = new Map<string, ReturnType<typeof gemmKernel>>()
  const kernelOf = (variant: GemmVariant): ReturnType<typeof gemmKernel> => {
    const key = [variant.tile.m, variant.transposeA, variant.transposeB, variant.aligned].join()
    return getOrInsert(kernels, key, () => gemmKernel(variant))
  }

  return (a: GpuTensor, b: GpuTensor, out: GpuTensor, options: GemmOptions = {}): void => {
    const { transposeA = false, transposeB = false, alpha = 1, beta = 0 } = options
    const m = out.rows
    const n = out.cols
    const k = transposeA ? a.rows : a.cols
    const { tile, splits, depth, rowTiles, columnTiles } = plan(m, n, k)
    const aligned = [a, b, out].every(t => t.cols % 4 === 0 && t.offset % 4 === 0)
    const kernel = kernelOf({ tile, transposeA, transposeB, aligned })
    const shape = { m, n, k, depth, rowTiles, columnTiles, ldA: a.cols, ldB: b.cols }
    const count = m * n === 0 ? 0 : rowTiles * columnTiles * splits
    if (splits === 1) {
      queue.run(kernel, { a, b, out }, { ...shape, count, alpha, beta })
      return
    }
    const parts = scratch(splits * m * n)
    queue.run(kernel, { a, b, out: parts }, { ...shape, count, alpha: 1, beta: 0 })
    queue.run(SUM_SPLITS, { x: parts, out }, { count: m * n, splits, alpha, beta })
  }
}

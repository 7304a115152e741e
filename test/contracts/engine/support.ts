import { expect } from 'vitest'
import type { Engine, SparseRows, Tensor } from '../../../src/engines/engine.js'
import { type Matrix, matrix, normalizedRows } from '../../../src/math/matrix.js'
import { createRandom } from '../../../src/math/random.js'

/** What the tests of one engine share; the engine is there once the tests run. */
export interface EngineUnderTest {
  readonly engine: Engine
  /** Runs a program on the engine under test and on js, and expects the tensors it returns to agree. */
  agree(program: Program, options?: AgreeOptions): Promise<void>
}

/** Operations on any engine; returns the tensors to compare, by name. */
export type Program = (engine: Engine) => Record<string, Tensor>

export interface AgreeOptions {
  /** Smallest magnitude that a difference is measured against, by tensor: for values that are small by cancellation. */
  readonly floor?: Readonly<Record<string, number>>
  /** Measure differences against the largest value of each row instead of the whole matrix. */
  readonly byRow?: boolean
}

/** A matrix of normal values, equal for equal seeds. */
export function randomMatrix(rows: number, cols: number, seed: number): Matrix {
  const random = createRandom(seed)
  const m = matrix(rows, cols)
  for (let k = 0; k < m.data.length; k++) m.data[k] = random.normal()
  return m
}

/** A matrix of random rows of length 1. */
export const randomUnitRows = (rows: number, cols: number, seed: number): Matrix => normalizedRows(randomMatrix(rows, cols, seed))

/** A tensor of NaN, as an output that an operation must overwrite without reading it. */
export function garbage(engine: Engine, rows: number, cols: number): Tensor {
  return engine.upload(matrix(rows, cols, new Float32Array(rows * cols).fill(Number.NaN)))
}

/** Compressed rows from the columns of each row, with a value each where `values` are given. */
export function sparse(columns: readonly (readonly number[])[], values?: readonly (readonly number[])[]): SparseRows {
  const offsets = new Uint32Array(columns.length + 1)
  columns.forEach((row, i) => {
    offsets[i + 1] = offsets[i] + row.length
  })
  return {
    offsets,
    columns: Uint32Array.from(columns.flat()),
    ...(values && { values: Float32Array.from(values.flat()) }),
  }
}

/** Random columns to mask, each with the given probability; never one of the row's `targets`. */
export function randomMask(targets: readonly (readonly number[])[], cols: number, probability: number, seed: number) {
  const random = createRandom(seed)
  return targets.map(row =>
    Array.from({ length: cols }, (_, j) => j).filter(j => random.next() < probability && !row.includes(j)),
  )
}

/** The part of compressed rows that lies in the columns `start` to `start + count`, relative to `start`. */
export function columnsBetween(rows: readonly (readonly number[])[], start: number, count: number): number[][] {
  return rows.map(row => row.filter(j => j >= start && j < start + count).map(j => j - start))
}

/** Expects two arrays to differ by at most `tolerance` times the largest expected value (or `floor`, where larger). */
export function expectClose(
  actual: Float32Array,
  expected: Float32Array,
  tolerance: number,
  label: string,
  options: { cols?: number; floor?: number } = {},
): void {
  expect(actual.length, `length of ${label}`).toBe(expected.length)
  const { cols = expected.length, floor = 1e-30 } = options
  for (let from = 0; from < expected.length; from += cols) {
    let magnitude = floor
    for (let k = from; k < from + cols; k++) {
      if (!Number.isFinite(expected[k])) throw new Error(`the test expects ${expected[k]} at ${label}[${k}]`)
      magnitude = Math.max(magnitude, Math.abs(expected[k]))
    }
    for (let k = from; k < from + cols; k++) {
      if (Math.abs(actual[k] - expected[k]) <= tolerance * magnitude) continue
      expect.fail(`${label}[${k}] is ${actual[k]}, expected ${expected[k]} within ${tolerance * magnitude}`)
    }
  }
}

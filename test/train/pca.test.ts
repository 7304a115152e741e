import { expect, test } from 'vitest'
import { type Matrix, matrix } from '../../src/math/matrix.js'
import { projectionMatrix } from '../../src/math/projection.js'
import { createRandom } from '../../src/math/random.js'
import { rowSource } from '../../src/math/row-source.js'
import { fitPca } from '../../src/train/pca.js'

/** Documents around a mean far from 0, that vary ever less from one hidden direction to the next. */
function documents(n: number, d: number, seed: number, rate = 0.7): Matrix {
  const random = createRandom(seed)
  const turn = Array.from({ length: d }, () => Float64Array.from({ length: d }, () => random.normal()))
  const out = matrix(n, d)
  for (let i = 0; i < n; i++) {
    const hidden = Float64Array.from({ length: d }, (_, j) => rate ** j * random.normal())
    for (let j = 0; j < d; j++) out.data[i * d + j] = 5 + turn[j].reduce((sum, x, t) => sum + x * hidden[t], 0)
  }
  return out
}

function centred({ rows, cols, data }: Matrix): Float64Array[] {
  const mean = Float64Array.from({ length: cols }, (_, j) => {
    let s = 0
    for (let i = 0; i < rows; i++) s += data[i * cols + j]
    return s / rows
  })
  return Array.from({ length: rows }, (_, i) => mean.map((m, j) => data[i * cols + j] - m))
}

/** The direction in which rows vary most, by multiplying with them; then taken out of them. */
function powerIteration(rows: Float64Array[], count: number, steps: number): Float64Array[] {
  return Array.from({ length: count }, () => {
    let x = rows[0].map((_, j) => Math.sin(j + 1))
    for (let step = 0; step < steps; step++) {
      const next = new Float64Array(x.length)
      for (const row of rows) {
        const s = inner(row, x)
        for (let j = 0; j < x.length; j++) next[j] += s * row[j]
      }
      const length = Math.hypot(...next)
      x = next.map(v => v / length)
    }
    for (const row of rows) {
      const s = inner(row, x)
      for (let j = 0; j < x.length; j++) row[j] -= s * x[j]
    }
    return x
  })
}

function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let s = 0
  for (let j = 0; j < a.length; j++) s += a[j] * b[j]
  return s
}

/** Share of the variance that a projection keeps. */
function kept(P: Matrix, rows: readonly Float64Array[]): number {
  let [all, inside] = [0, 0]
  for (const row of rows) {
    all += inner(row, row)
    for (let i = 0; i < P.rows; i++) inside += inner(row, P.data.subarray(i * P.cols, (i + 1) * P.cols)) ** 2
  }
  return inside / all
}

test('finds the components that a plain power iteration finds, the first one first, the same from a file of rows', async () => {
  const docs = documents(150, 16, 4)
  const projection = await fitPca(docs, 5)
  expect(projection.shape).toEqual([5, 16])
  const P = projectionMatrix(projection)
  for (const [i, expected] of powerIteration(centred(docs), 5, 300).entries()) {
    const found = P.data.subarray(i * 16, (i + 1) * 16)
    expect(Math.abs(inner(found, expected))).toBeCloseTo(1, 5)
    expect(Math.max(...found)).toBe(Math.max(...found.map(Math.abs)))
  }
  expect(await fitPca(rowSource(docs), 5)).toEqual(projection)
})

test('finds the space of many dimensions as well without all of their components', async () => {
  const d = 540
  const docs = documents(150, d, 9, 0.9)
  const P = projectionMatrix(await fitPca(docs, 24))
  const rows = centred(docs)
  const found = powerIteration(
    rows.map(row => row.slice()),
    24,
    60,
  )
  const best = matrix(24, d, Float32Array.from(found.flatMap(x => [...x])))
  expect(kept(P, rows)).toBeGreaterThan(0.9999 * kept(best, rows))
  expect(Math.abs(inner(P.data.subarray(0, d), found[0]))).toBeGreaterThan(0.999)
})

test.each([0, 2.5, 8, 11])('refuses %s of 8 dimensions of 9 documents', async count => {
  await expect(fitPca(documents(9, 8, 1), count)).rejects.toThrow(
    `pca: expected a whole number from 1 to 7, for 9 documents of 8 dimensions, found ${count}`,
  )
})

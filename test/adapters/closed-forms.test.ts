import { describe, expect, test } from 'vitest'
import type { ClosedForm } from '../../src/adapters/closed-forms/closed-form.js'
import { CLOSED_FORMS, closedForm } from '../../src/adapters/closed-forms/index.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import type { Engine } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { fromRows, identity, type Matrix, matrix, row } from '../../src/math/matrix.js'
import { multiplyTransposed, transpose } from '../../src/math/product.js'
import { expectClose, randomMatrix, randomUnitRows } from '../contracts/engine/support.js'
import { countingEngine } from '../helpers/counting-engine.js'

const { ridge, procrustes } = CLOSED_FORMS
const js = createJsEngine()

/** A B */
function times(A: Matrix, B: Matrix): Matrix {
  const out = matrix(A.rows, B.cols)
  multiplyTransposed(A, transpose(B), out)
  return out
}

/** sum |W q - t|^2 + pull |W - I|^2, in float64. */
function objective(W: ArrayLike<number>, Q: Matrix, T: Matrix, pull: number): number {
  const d = Q.cols
  let total = 0
  for (let r = 0; r < Q.rows; r++) {
    const q = row(Q, r)
    for (let i = 0; i < d; i++) {
      let error = -row(T, r)[i]
      for (let j = 0; j < d; j++) error += W[i * d + j] * q[j]
      total += error * error
    }
  }
  for (let k = 0; k < d * d; k++) total += pull * (W[k] - (Math.floor(k / d) === k % d ? 1 : 0)) ** 2
  return total
}

/** Half the objective's gradient: sum (W q - t) q^T + pull (W - I), in float64; largest absolute value. */
function largestGradient(W: Matrix, Q: Matrix, T: Matrix, pull: number): number {
  const d = Q.cols
  const G = Float64Array.from(W.data, (w, k) => pull * (w - (Math.floor(k / d) === k % d ? 1 : 0)))
  for (let r = 0; r < Q.rows; r++) {
    const q = row(Q, r)
    for (let i = 0; i < d; i++) {
      let error = -row(T, r)[i]
      for (let j = 0; j < d; j++) error += W.data[i * d + j] * q[j]
      for (let j = 0; j < d; j++) G[i * d + j] += error * q[j]
    }
  }
  return G.reduce((most, g) => Math.max(most, Math.abs(g)), 0)
}

/** Reflections at random hyperplanes, one after the other. */
function randomOrthogonal(d: number, seed: number, reflections = d): Matrix {
  let W = identity(d)
  for (let r = 0; r < reflections; r++) {
    const u = randomUnitRows(1, d, seed + r).data
    const H = identity(d)
    for (let k = 0; k < H.data.length; k++) H.data[k] -= 2 * u[Math.floor(k / d)] * u[k % d]
    W = times(H, W)
  }
  return W
}

/** The turn by `angle` in the plane of the axes i and j. */
function turn(d: number, i: number, j: number, angle: number): Matrix {
  const W = identity(d)
  W.data[i * d + i] = W.data[j * d + j] = Math.cos(angle)
  W.data[i * d + j] = -Math.sin(angle)
  W.data[j * d + i] = Math.sin(angle)
  return W
}

function expectOrthogonal(W: Matrix): void {
  expectClose(times(transpose(W), W).data, identity(W.rows).data, 3e-6, 'W^T W')
}

const shapes: [n: number, d: number, pull: number][] = [
  [1, 1, 1],
  [40, 8, 0.5],
  [5, 12, 0.3],
  [12, 12, 0.1],
  [300, 70, 2],
  [20, 70, 1],
]

describe.each<[string, () => Engine | Promise<Engine>]>([
  ['js', createJsEngine],
  ['cpu', () => createCpuEngine({ threads: 1 })],
])('on the %s engine', (_, create) => {
  test.each(shapes)('ridge on %d queries of %d dimensions has no gradient left (pull %d)', async (n, d, pull) => {
    const engine = await create()
    const [Q, T] = [randomUnitRows(n, d, 1), randomMatrix(n, d, 2)]
    const W = await ridge.fit(engine, Q, T, pull)
    expect(largestGradient(identity(d), Q, T, pull)).toBeGreaterThan(0.1)
    expect(largestGradient(W, Q, T, pull)).toBeLessThan(1e-4)
    engine.dispose()
  })

  test.each(shapes)('procrustes on %d queries of %d dimensions is the best turn (pull %d)', async (n, d, pull) => {
    const engine = await create()
    const [Q, T] = [randomUnitRows(n, d, 1), randomUnitRows(n, d, 2)]
    const W = await procrustes.fit(engine, Q, T, pull)
    expectOrthogonal(W)
    // The best W is the one for which W^T (T^T Q + pull I) is symmetric and positive semidefinite.
    const M = times(transpose(T), Q)
    for (let i = 0; i < d; i++) M.data[i * d + i] += pull
    const H = times(transpose(W), M)
    expectClose(transpose(H).data, H.data, 1e-5, 'W^T M')
    for (let s = 0; s < 5; s++) {
      const x = randomMatrix(1, d, 20 + s)
      expect(times(times(x, H), transpose(x)).data[0]).toBeGreaterThan(0)
    }
    engine.dispose()
  })

  test('procrustes finds the turn that was planted, also a reflection and in many dimensions', async () => {
    const engine = await create()
    for (const [d, reflections] of [
      [2, 1],
      [6, 6],
      [6, 5],
      [90, 90],
    ]) {
      const R = randomOrthogonal(d, 40, reflections)
      const Q = randomUnitRows(2 * d, d, 3)
      const W = await procrustes.fit(engine, Q, times(Q, transpose(R)), 0)
      expectClose(W.data, R.data, 1e-5, `W of ${d} dimensions`)
    }
    engine.dispose()
  })
})

describe('ridge', () => {
  test('is the mean of pull and pairs, worked out by hand', async () => {
    // (w - 3)^2 + (w - 1)^2 is least at 2; with a pull of 3 at (3 + 3) / 4.
    const [Q, T] = [fromRows([[1]]), fromRows([[3]])]
    expect((await ridge.fit(js, Q, T, 1)).data[0]).toBeCloseTo(2, 6)
    expect((await ridge.fit(js, Q, T, 3)).data[0]).toBeCloseTo(1.5, 6)
    expect((await ridge.fit(js, Q, T, 0)).data[0]).toBeCloseTo(3, 6)
  })

  test('cannot be improved by a small change of any weight', async () => {
    const [n, d, pull] = [9, 4, 0.7]
    const [Q, T] = [randomUnitRows(n, d, 1), randomUnitRows(n, d, 2)]
    const { data } = await ridge.fit(js, Q, T, pull)
    const least = objective(data, Q, T, pull)
    for (let k = 0; k < data.length; k++) {
      for (const change of [-1e-2, 1e-2]) {
        const W = Float64Array.from(data)
        W[k] += change
        expect(objective(W, Q, T, pull)).toBeGreaterThan(least)
      }
    }
  })

  test('gives the same by the small system and by the large one', async () => {
    const [n, d, pull] = [7, 10, 0.4]
    const [Q, T] = [randomUnitRows(n, d, 1), randomUnitRows(n, d, 2)]
    const padded = (m: Matrix) =>
      matrix(
        d,
        d,
        Float32Array.from({ length: d * d }, (_, k) => m.data[k] ?? 0),
      )
    const small = await ridge.fit(js, Q, T, pull)
    const large = await ridge.fit(js, padded(Q), padded(T), pull)
    expectClose(small.data, large.data, 1e-6, 'W')
  })

  test('finds a planted matrix without a pull, and leaves directions without data as they are', async () => {
    const planted = randomMatrix(5, 5, 8)
    const Q = randomUnitRows(40, 5, 9)
    const found = await ridge.fit(js, Q, times(Q, transpose(planted)), 0)
    expectClose(found.data, planted.data, 1e-5, 'W')
    const W = await ridge.fit(js, fromRows([[0, 1, 0]]), fromRows([[1, 0, 0]]), 1e-9)
    expectClose(W.data, Float32Array.of(1, 1, 0, 0, 0, 0, 0, 0, 1), 1e-6, 'W')
  })

  test('refuses queries that determine nothing, saying what to do', async () => {
    const [Q, T] = [fromRows([1, 1, 1, 1].map(() => [0.6, 0.8])), randomUnitRows(4, 2, 1)]
    await expect(ridge.fit(js, Q, T, 0)).rejects.toMatchObject({
      code: 'TRAIN_DATA',
      message: expect.stringMatching(/4 queries of 2 dimensions with a pull of 0.*larger --pull/),
    })
  })
})

describe('procrustes', () => {
  test('is better than other orthogonal matrices, near and far', async () => {
    const [n, d, pull] = [30, 6, 0.5]
    const [Q, T] = [randomUnitRows(n, d, 1), randomUnitRows(n, d, 2)]
    const W = await procrustes.fit(js, Q, T, pull)
    const least = objective(W.data, Q, T, pull)
    for (let s = 0; s < 20; s++) {
      expect(objective(randomOrthogonal(d, 100 * s, 5 + (s % 2)).data, Q, T, pull)).toBeGreaterThan(least)
    }
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < i; j++) {
        for (const angle of [-0.02, 0.02]) {
          expect(objective(times(turn(d, i, j, angle), W).data, Q, T, pull)).toBeGreaterThan(least)
        }
      }
    }
  })

  test('copes with singular values six orders of magnitude apart', async () => {
    const d = 12
    const Q = identity(d)
    for (let i = 0; i < d; i++) Q.data[i * d + i] = 10 ** (-i / 2)
    const R = randomOrthogonal(d, 60)
    const W = await procrustes.fit(js, Q, transpose(R), 0)
    expectOrthogonal(W)
    expectClose(W.data, R.data, 1e-3, 'W')
  })

  test('refuses pairs that determine nothing, saying what to do', async () => {
    const opposite = [fromRows([[1]]), fromRows([[-1]])] as const
    await expect(procrustes.fit(js, ...opposite, 1)).rejects.toMatchObject({
      code: 'TRAIN_DATA',
      message: expect.stringMatching(/1 queries of 1 dimensions with a pull of 1 .*larger --pull/),
    })
    const half = [fromRows([[1, 0]]), fromRows([[1, 0]])] as const
    await expect(procrustes.fit(js, ...half, 0)).rejects.toMatchObject({ code: 'TRAIN_DATA' })
  })
})

describe.each(Object.entries<ClosedForm>(CLOSED_FORMS))('closed form %s', (name, form) => {
  test('is registered under its name and says what it is', () => {
    expect(closedForm(name)).toBe(form)
    expect(form.name).toBe(name)
    expect(form.description).not.toBe('')
    expect(form.defaultPull).toBeGreaterThan(0)
  })

  test('gives the identity under a strong pull', async () => {
    const W = await form.fit(js, randomUnitRows(20, 9, 1), randomUnitRows(20, 9, 2), 1e8)
    expectClose(W.data, identity(9).data, 1e-6, 'W')
  })

  test('gives all its tensors back and leaves the pairs as they are', async () => {
    const [Q, T] = [randomUnitRows(10, 6, 1), randomUnitRows(10, 6, 2)]
    const before = [Q.data.slice(), T.data.slice()]
    const { engine, held } = countingEngine()
    await form.fit(engine, Q, T, 1)
    expect(held.size).toBe(0)
    expect([Q.data, T.data]).toEqual(before)
  })
})

test('closedForm knows nothing else', () => {
  for (const name of ['linear', 'toString', '__proto__', '']) expect(closedForm(name)).toBeUndefined()
})

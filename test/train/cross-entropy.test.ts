import { afterAll, describe, expect, test } from 'vitest'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import type { Engine, SparseRows } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { row } from '../../src/math/matrix.js'
import { crossEntropy } from '../../src/train/cross-entropy.js'
import { createBuffers } from '../../src/train/on-engine.js'
import { randomUnitRows } from '../contracts/engine/support.js'

const [B, P, d] = [5, 23, 6]
const U = randomUnitRows(B, d, 1)
const D = randomUnitRows(P, d, 2)
const EXCLUDED = -1e4

/** Entries [column, value] of every row. */
function sparse(rows: readonly (readonly (readonly [number, number])[])[]): SparseRows {
  const entries = rows.flat()
  let end = 0
  const offsets = Uint32Array.of(0, ...rows.map(list => (end += list.length)))
  return {
    offsets,
    columns: Uint32Array.from(entries, ([column]) => column),
    values: Float32Array.from(entries, ([, value]) => value),
  }
}

const targets = sparse([
  [[3, 1]],
  [
    [0, 0.25],
    [22, 0.75],
  ],
  [
    [7, 0.5],
    [8, 0.5],
  ],
  [[11, 1]],
  [[22, 1]],
])
const masked = sparse([
  [
    [4, 1],
    [5, 1],
  ],
  [],
  [
    [0, 1],
    [21, 1],
    [22, 1],
  ],
  [[10, 1]],
  [],
])
const nothing = sparse([[], [], [], [], []])

/** A sampled pool with an excluded column, and a stretch of columns that are all excluded, wider than a block. */
const correction = Float32Array.from({ length: P }, (_, j) =>
  j >= 12 && j < 20 ? EXCLUDED : j === 2 ? EXCLUDED : j < 12 ? 1.3 : 0,
)

const CASES = {
  'targets alone': { targets, masked: nothing },
  'masked columns': { targets, masked },
  'a sampling correction': { targets, masked: nothing, offset: correction },
  'masked columns and a sampling correction': { targets, masked, offset: correction },
}
type Case = (typeof CASES)[keyof typeof CASES] & { readonly offset?: Float32Array }

async function run(engine: Engine, batch: Case, scale: number, maxScores?: number) {
  const buffers = createBuffers(engine)
  const tensors = { U: engine.upload(U), D: engine.upload(D), dU: engine.alloc(B, d), loss: engine.alloc(B, 1) }
  crossEntropy(engine, tensors, batch, { scale, gradientScale: 0.5 }, buffers.scratch, maxScores)
  const result = { loss: await engine.read(tensors.loss), dU: await engine.read(tensors.dU) }
  buffers.free()
  for (const t of Object.values(tensors)) engine.free(t)
  return result
}

/** The formula, in double precision. */
function reference(batch: Case, scale: number): { loss: number[]; dU: number[] } {
  const loss: number[] = []
  const dU: number[] = []
  for (let i = 0; i < B; i++) {
    const left = new Set(batch.masked.columns.slice(batch.masked.offsets[i], batch.masked.offsets[i + 1]))
    const logits = Array.from({ length: P }, (_, j) => {
      let s = 0
      for (let k = 0; k < d; k++) s += row(U, i)[k] * row(D, j)[k]
      return left.has(j) ? Number.NEGATIVE_INFINITY : scale * s + (batch.offset?.[j] ?? 0)
    })
    const top = Math.max(...logits)
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)
    const gradient = logits.map(logit => Math.exp(logit - top) / total)
    let own = 0
    for (let e = batch.targets.offsets[i]; e < batch.targets.offsets[i + 1]; e++) {
      const [column, weight] = [batch.targets.columns[e], batch.targets.values![e]]
      own += weight * (top + Math.log(total) - logits[column])
      gradient[column] -= weight
    }
    loss.push(own)
    for (let k = 0; k < d; k++) dU.push(0.5 * scale * gradient.reduce((sum, g, j) => sum + g * row(D, j)[k], 0))
  }
  return { loss, dU }
}

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  const magnitude = Math.max(1, ...Array.from(expected, Math.abs))
  expect(actual).toHaveLength(expected.length)
  for (let k = 0; k < expected.length; k++) {
    expect(Math.abs(actual[k] - expected[k]), `value ${k}`).toBeLessThan(tolerance * magnitude)
  }
}

const engines = { js: createJsEngine(), cpu: await createCpuEngine() }
afterAll(() => engines.cpu.dispose())

describe.each(Object.entries(engines))('crossEntropy on %s', (_, engine) => {
  describe.each(Object.entries(CASES))('with %s', (_, batch) => {
    test.each([2, 20, 224])('gives the loss and the gradient of the formula, at scale %i', async scale => {
      const { loss, dU } = await run(engine, batch, scale)
      const expected = reference(batch, scale)
      expectNear(loss, expected.loss, 1e-5)
      expectNear(dU, expected.dU, 1e-5)
    })

    // Blocks of 1, 2, 5, 7 and 22 of the 23 columns; fewer scores than queries still give a column a block.
    test.each([1, 2 * B, 5 * B + 3, 7 * B, 22 * B])('gives the same in blocks of %i scores', async maxScores => {
      for (const scale of [2, 20, 224]) {
        const whole = await run(engine, batch, scale)
        const blocks = await run(engine, batch, scale, maxScores)
        expectNear(blocks.loss, whole.loss, 1e-5)
        expectNear(blocks.dU, whole.dU, 1e-5)
      }
    })
  })

  test('a batch of exactly so many scores is not cut', async () => {
    const [whole, exact] = [await run(engine, CASES['masked columns'], 20), await run(engine, CASES['masked columns'], 20, B * P)]
    expect(exact).toEqual(whole)
  })
})

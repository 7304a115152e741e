import { describe, expect, test } from 'vitest'
import type { Engine } from '../../../src/engines/engine.js'
import { createJsEngine } from '../../../src/engines/js.js'
import { identity } from '../../../src/math/matrix.js'
import { createRandom, permutation } from '../../../src/math/random.js'
import { type EngineUnderTest, randomUnitRows, sparse } from './support.js'

const ROWS = 40
const B = 16
const d = 24
/** Pairs whose numbers are equal modulo this share a document. */
const DOCUMENTS = 30

/** Trains W and b of q' = W q + b against in-batch negatives; returns W. */
async function trainInBatch(e: Engine, steps: number): Promise<{ W: Float32Array; b: Float32Array; loss: number }> {
  const queries = e.upload(randomUnitRows(ROWS, d, 1))
  const docs = randomUnitRows(ROWS, d, 2)
  for (let i = DOCUMENTS; i < ROWS; i++) docs.data.copyWithin(i * d, (i % DOCUMENTS) * d, ((i % DOCUMENTS) + 1) * d)
  const documents = e.upload(docs)
  const random = createRandom(3)

  const parameters = [e.upload(identity(d)), e.alloc(1, d)]
  const moments = parameters.map(p => [e.alloc(p.rows, p.cols), e.alloc(p.rows, p.cols)])
  const gradients = parameters.map(p => e.alloc(p.rows, p.cols))
  const [W, b] = parameters
  const [dW, db] = gradients
  const [Q, D, Z, dZ] = [e.alloc(B, d), e.alloc(B, d), e.alloc(B, d), e.alloc(B, d)]
  const [S, norms, loss] = [e.alloc(B, B), e.alloc(B, 1), e.alloc(B, 1)]
  const [squaredNorm, total] = [e.alloc(1, 1), e.alloc(1, 1)]

  for (let step = 1; step <= steps; step++) {
    const batch = permutation(ROWS, random).slice(0, B)
    const same = [...batch].map((p, i) => [...batch.keys()].filter(j => j !== i && batch[j] % DOCUMENTS === p % DOCUMENTS))
    e.gatherRows(queries, batch, Q)
    e.gatherRows(documents, batch, D)
    e.gemm(Q, W, Z, { transposeB: true })
    e.addRowVector(Z, b)
    e.normalizeRows(Z, Z, norms)
    e.gemm(Z, D, S, { transposeB: true })
    e.softmaxCrossEntropy(
      S,
      { targets: sparse([...batch.keys()].map(i => [i])), masked: sparse(same), scale: 20, gradientScale: 1 / B },
      loss,
    )
    e.addSum(loss, total)
    e.gemm(S, D, dZ)
    e.normalizeRowsBackward(Z, norms, dZ, dZ)
    e.gemm(dZ, Q, dW, { transposeA: true })
    e.sumRows(dZ, db)
    gradients.forEach((g, k) => {
      e.squaredNorm(g, squaredNorm, k > 0)
    })
    parameters.forEach((p, k) => {
      e.adamw(p, gradients[k], moments[k][0], moments[k][1], {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        step,
        decay: 0.01,
        l2: 0,
        anchor: k === 0 ? 'identity' : 'zero',
        clip: { squaredNorm, max: 1 },
      })
    })
    if (step % 10 === 0) await e.sync()
  }
  return { W: await e.read(W), b: await e.read(b), loss: (await e.read(total))[0] / (steps * B) }
}

/** Whole training runs. */
export function trainingContract(on: EngineUnderTest, create: () => Promise<Engine>): void {
  describe('training', () => {
    test('for 50 steps gives the weights of the js engine within 2e-4', async () => {
      const expected = await trainInBatch(createJsEngine(), 50)
      const actual = await trainInBatch(on.engine, 50)
      const difference = (x: Float32Array, y: Float32Array) => Math.max(...x.map((value, k) => Math.abs(value - y[k])))
      expect(difference(expected.W, identity(d).data), 'how far training moves W').toBeGreaterThan(0.01)
      expect(difference(actual.W, expected.W)).toBeLessThan(2e-4)
      expect(difference(actual.b, expected.b)).toBeLessThan(2e-4)
      expect(Math.abs(actual.loss - expected.loss)).toBeLessThan(1e-4)
    })

    test('gives the same bytes when run again, on the same engine and on a new one', async () => {
      const first = await trainInBatch(on.engine, 20)
      expect(await trainInBatch(on.engine, 20)).toEqual(first)
      const other = await create()
      try {
        expect(await trainInBatch(other, 20)).toEqual(first)
      } finally {
        other.dispose()
      }
    })
  })
}

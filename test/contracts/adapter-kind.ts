import { describe, expect, test } from 'vitest'
import { adapterKind } from '../../src/adapters/index.js'
import type { QueryMap, Weights } from '../../src/adapters/kind.js'
import { anchorAt } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import type { TrainingBatch } from '../../src/losses/batch-source.js'
import { type Matrix, matrix, norm, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { createBuffers } from '../../src/train/on-engine.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { createParams, freeParams, identityWeights, readParams } from '../../src/train/parameters.js'
import { createStep } from '../../src/train/step.js'
import { expectClose, garbage, randomMatrix, randomUnitRows, sparse } from './engine/support.js'
import { meanLoss } from './mean-loss.js'

/**
 * What every adapter kind must do: start as the identity map, be the same map in training and at query time, compiled or not, and
 * have the gradient that central differences of the loss give. The loss is written here a second time, in float64.
 *
 * @param size the kind's own size, its default by default
 * @param more dimensions of the documents beyond those of the queries, for kinds that map to another model
 */
export function adapterKindContract(name: string, size?: number, more?: number): void {
  const kind = adapterKind(name)
  const outputs = (d: number) => (more === undefined ? undefined : Math.max(1, d + more))
  const specs = (d: number) => kind.params(d, size, outputs(d))
  /** A vector cut, or filled with zeros, to the length of the documents. */
  const fitted = (q: Float32Array): Float32Array => {
    const out = new Float32Array(outputs(q.length) ?? q.length)
    out.set(q.subarray(0, out.length))
    return out
  }

  /** Weights some way off the identity map. */
  const randomWeights = (d: number, seed: number): Record<string, Matrix> =>
    Object.fromEntries(
      specs(d).map(({ name, rows, cols, anchor }, p) => {
        const m = randomMatrix(rows, cols, seed + p)
        for (let k = 0; k < m.data.length; k++) m.data[k] = 0.3 * m.data[k] + anchorAt(anchor, k, cols)
        return [name, m]
      }),
    )

  const apply =
    (weights: Weights): QueryMap =>
    (q, out) =>
      kind.apply(weights, q, out)

  describe(`adapter kind ${name}${kind.size ? ` with ${kind.size.name} ${size ?? 'by default'}` : ''}${more === undefined ? '' : `, to ${more} more dimensions`}`, () => {
    test('is registered under its name, says what it is, and has parameters with distinct names', () => {
      expect(kind.name).toBe(name)
      expect(kind.description).not.toBe('')
      const names = specs(4).map(spec => spec.name)
      expect(names.length).toBeGreaterThan(0)
      expect(new Set(names).size).toBe(names.length)
    })

    if (kind.size) {
      const { of, default: usual } = kind.size
      test('tells its size from its weights, and does not fall over where they are missing', () => {
        for (const d of [1, 5, 40]) {
          const found = of(identityWeights(kind, d, size, outputs(d)))
          expect(found).toBe(size ?? Math.min(d, usual))
          expect(kind.params(d, found, outputs(d))).toEqual(specs(d))
        }
        expect(of({})).toBeUndefined()
      })
    }

    test.each([1, 3, 4, 7, 16])('starts as the identity map of %d dimensions', async d => {
      const engine = createJsEngine()
      const state = createParams(engine, kind, d, { size, outputs: outputs(d), random: createRandom(7) })
      const q = randomMatrix(5, d, 1)
      const k = fitted(row(q, 0)).length
      const [X, Z] = [engine.upload(q), garbage(engine, 5, k)]
      kind.forward(engine, state.params, X, Z, createBuffers(engine).scratch)
      expect(await engine.read(Z)).toEqual(Float32Array.from([0, 1, 2, 3, 4].flatMap(i => [...fitted(row(q, i))])))
      expect(await engine.read(X)).toEqual(q.data)
      const started = await readParams(engine, state)
      for (const weights of [identityWeights(kind, d, size, outputs(d)), started]) {
        const out = new Float32Array(k).fill(Number.NaN)
        kind.apply(weights, row(q, 2), out)
        expect(out).toEqual(fitted(row(q, 2)))
        kind.compile?.(weights)(row(q, 3), out)
        expect(out).toEqual(fitted(row(q, kind.compile ? 3 : 2)))
        if (more !== undefined) expect(kind.outputs?.(weights)).toBe(k)
      }
      freeParams(engine, state)
    })

    test.each([1, 2, 5, 8, 19])('is the same map in training and at query time, in %d dimensions', async d => {
      const engine = createJsEngine()
      const weights = randomWeights(d, 2)
      const q = randomMatrix(6, d, 3)
      const k = fitted(row(q, 0)).length
      const [X, Z] = [engine.upload(q), garbage(engine, 6, k)]
      kind.forward(engine, uploadAll(weights), X, Z, createBuffers(engine).scratch)
      const applied = matrix(6, k, new Float32Array(6 * k).fill(Number.NaN))
      const trained = await engine.read(Z)
      for (const map of [kind.compile?.(weights), apply(weights)]) {
        for (let i = 0; i < 6; i++) map?.(row(q, i).slice(), row(applied, i))
        if (map) expectClose(applied.data, trained, 1e-5, 'query')
        applied.data.fill(Number.NaN)
      }

      function uploadAll(all: Weights) {
        return Object.fromEntries(Object.entries(all).map(([key, m]) => [key, engine.upload(m)]))
      }
    })

    test('has the gradient of the whole loss, with several positives and left out columns', async () => {
      const [d, B, P, scale] = [6, 5, 7, 5]
      const engine = createJsEngine()
      const [queries, documents] = [randomMatrix(8, d, 4), randomUnitRows(9, outputs(d) ?? d, 5)]
      const weights = randomWeights(d, 6)
      const batch: TrainingBatch = {
        queryRows: Uint32Array.of(3, 0, 7, 3, 1),
        documentRows: Uint32Array.of(8, 2, 0, 5, 2, 1, 6),
        targets: sparse([[0], [1, 4], [2, 0, 6], [3], [5]], [[1], [0.5, 0.5], [1, 0.25, 0.5], [1], [2]]),
        masked: sparse([[], [0, 6], [3], [2, 4, 5], []]),
      }
      expect(batch.documentRows).toHaveLength(P)

      const state = {
        ...createParams(engine, kind, d, { size, outputs: outputs(d) }),
        params: Object.fromEntries(Object.entries(weights).map(([key, m]) => [key, engine.upload(m)])),
      }
      const inputs = { queries: engine.upload(queries), documents: engine.upload(documents) }
      const options = { ...TRAIN_DEFAULTS, scale, weightDecay: 0.1, maxGradNorm: 1e-3 }
      const { step, lossSum } = createStep(engine, kind, state, inputs, options)
      step(batch, 1, 0)

      const loss = () => meanLoss(batch, queries, documents, scale, apply(weights))
      expect((await engine.read(lossSum))[0] / B).toBeCloseTo(loss(), 5)

      for (const { name: param } of specs(d)) {
        const analytic = await engine.read(state.grads[param])
        const { data } = weights[param]
        // A step of 1e-3 leaves an error of about 1e-6 of the largest entry; rounding to float32 inside the map 1e-4.
        const numeric = data.map((value, k) => {
          data[k] = value + 1e-3
          const [above, up] = [data[k], loss()]
          data[k] = value - 1e-3
          const [below, down] = [data[k], loss()]
          data[k] = value
          return (up - down) / (above - below)
        })
        expect(norm(numeric), `gradient of ${param} by differences`).toBeGreaterThan(1e-2)
        expectClose(analytic, numeric, 1e-3, `gradient of ${param}`)
      }
    })
  })
}

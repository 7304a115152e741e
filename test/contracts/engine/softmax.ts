import { describe, expect, test } from 'vitest'
import type { CrossEntropyOptions, Engine, Tensor } from '../../../src/engines/engine.js'
import { createJsEngine } from '../../../src/engines/js.js'
import { matrix } from '../../../src/math/matrix.js'
import {
  columnsBetween,
  type EngineUnderTest,
  expectClose,
  garbage,
  randomMask,
  randomMatrix,
  randomUnitRows,
  sparse,
} from './support.js'

/** Softmax cross-entropy, of a whole pool and in blocks. */
export function softmaxContract(on: EngineUnderTest): void {
  describe('softmaxCrossEntropy', () => {
    const cosines = (rows: number, cols: number, seed: number) => {
      const m = randomMatrix(rows, cols, seed)
      for (let k = 0; k < m.data.length; k++) m.data[k] = Math.tanh(m.data[k])
      return m
    }
    const agree = (rows: number, cols: number, options: CrossEntropyOptions, offset = false) =>
      on.agree(
        e => {
          const scores = e.upload(cosines(rows, cols, 1))
          const loss = garbage(e, rows, 1)
          const correction = offset ? { offset: e.upload(randomMatrix(1, cols, 2)) } : {}
          e.softmaxCrossEntropy(scores, { ...options, ...correction }, loss)
          return { scores, loss }
        },
        { floor: { scores: options.gradientScale * options.scale, loss: 1 } },
      )

    test.each([
      [1, 1],
      [1, 2],
      [1, 300],
      [5, 5],
      [33, 65],
      [3, 1500],
    ])('of [%d, %d] scores with one target a row', (rows, cols) => {
      const targets = sparse(Array.from({ length: rows }, (_, i) => [(i * 7) % cols]))
      return agree(rows, cols, { targets, scale: 20, gradientScale: 1 / rows })
    })

    test('with several weighted targets, weights that do not sum to 1 and a row without a target', () => {
      const targets = sparse([[4, 0, 7], [1, 2], [], [9]], [[0.25, 0.5, 0.25], [1, 2], [], [0.125]])
      return agree(4, 10, { targets, scale: 14, gradientScale: 0.25 })
    })

    test('with masked columns and an offset', () => {
      const columns = Array.from({ length: 12 }, (_, i) => [i, (i + 5) % 40])
      const weights = columns.map(() => [0.5, 0.5])
      const masked = sparse(randomMask(columns, 40, 0.3, 3))
      return agree(12, 40, { targets: sparse(columns, weights), masked, scale: 20, gradientScale: 1 / 12 }, true)
    })

    test('with columns masked twice, as with those masked once', async () => {
      const lossOf = async (masked: number[][]) => {
        const [scores, loss] = [on.engine.upload(cosines(2, 5, 1)), garbage(on.engine, 2, 1)]
        const targets = sparse([[0], [1]])
        on.engine.softmaxCrossEntropy(scores, { targets, masked: sparse(masked), scale: 20, gradientScale: 1 }, loss)
        return Float32Array.of(...(await on.engine.read(loss)), ...(await on.engine.read(scores)))
      }
      expect(
        await lossOf([
          [2, 2],
          [0, 4, 0, 4],
        ]),
      ).toEqual(await lossOf([[2], [0, 4]]))
    })

    test('with a scale at which exp alone would overflow', () => {
      const targets = sparse([[0], [3], [6]])
      return agree(3, 7, { targets, scale: 224, gradientScale: 1 / 3 })
    })

    test('leaves masked columns out of the loss, however large, and gives them gradient 0', async () => {
      const scores = on.engine.upload(matrix(2, 3, Float32Array.of(0, 1e4, 0, 5, 5, -1e4)))
      const loss = garbage(on.engine, 2, 1)
      const [targets, masked] = [sparse([[0], [1]]), sparse([[1], [0, 2]])]
      on.engine.softmaxCrossEntropy(scores, { targets, masked, scale: 1, gradientScale: 1 }, loss)
      const gradient = await on.engine.read(scores)
      expectClose(gradient, Float32Array.of(-0.5, 0, 0.5, 0, 0, 0), 1e-5, 'gradient')
      expect([gradient[1], gradient[3], gradient[5]].every(value => value === 0)).toBe(true)
      expectClose(await on.engine.read(loss), Float32Array.of(Math.LN2, 0), 1e-5, 'loss', { floor: 1 })
    })

    test('is 0 for a pool of one document', async () => {
      const [scores, loss] = [on.engine.upload(matrix(1, 1, Float32Array.of(0.3))), garbage(on.engine, 1, 1)]
      on.engine.softmaxCrossEntropy(scores, { targets: sparse([[0]]), scale: 20, gradientScale: 1 }, loss)
      expectClose(await on.engine.read(scores), Float32Array.of(0), 1e-5, 'gradient', { floor: 1 })
      expectClose(await on.engine.read(loss), Float32Array.of(0), 1e-5, 'loss', { floor: 1 })
    })
  })

  describe('onlineSoftmax', () => {
    const [B, d, P] = [7, 12, 23]
    const columns = Array.from({ length: B }, (_, i) => (i === 5 ? [] : i === 6 ? [22, 3, 11] : [i * 3]))
    const weights = columns.map((row, i) => row.map((_, k) => (i === 4 ? 0.3 : (k + 1) / 4)))
    const masked = randomMask(columns, P, 0.25, 4)
    // The row's first and last blocks hold masked columns only; its target is in the middle.
    columns[2] = [12]
    masked[2] = Array.from({ length: P }, (_, j) => j).filter(j => j < 10 || j >= 20)
    const correction = randomMatrix(1, P, 5).data

    const setup = (e: Engine, scale: number, withOffset: boolean, withMask: boolean) => ({
      z: e.upload(randomUnitRows(B, d, 6)),
      pool: e.upload(randomUnitRows(P, d, 7)),
      options: {
        targets: sparse(columns, weights),
        scale,
        gradientScale: 1 / B,
        ...(withMask && { masked: sparse(masked) }),
        ...(withOffset && { offset: e.upload(matrix(1, P, correction.slice())) }),
      } satisfies CrossEntropyOptions,
    })

    /** The blocks of `size` columns, each run through `visit` before its documents are added to acc. */
    const inBlocks = (e: Engine, size: number, scale: number, withOffset: boolean, withMask: boolean) => {
      const { z, pool, options } = setup(e, scale, withOffset, withMask)
      const [top, sum, acc] = [e.alloc(B, 1), e.alloc(B, 1), e.alloc(B, d)]
      e.fill(top, -3e38)
      const scores: Record<string, Tensor> = {}
      for (let start = 0; start < P; start += size) {
        const n = Math.min(size, P - start)
        const docs = e.view(pool, start, n)
        const s = garbage(e, B, n)
        e.gemm(z, docs, s, { transposeB: true })
        e.onlineSoftmax(
          s,
          {
            scale,
            ...(withMask && { masked: sparse(columnsBetween(masked, start, n)) }),
            ...(withOffset && { offset: e.upload(matrix(1, n, correction.slice(start, start + n))) }),
          },
          top,
          sum,
          acc,
        )
        e.gemm(s, docs, acc, { beta: 1 })
        scores[`scores${start}`] = s
      }
      return { z, pool, options, top, sum, acc, scores }
    }

    for (const scale of [1, 20, 224]) {
      for (const [withOffset, withMask] of [
        [false, false],
        [true, true],
      ]) {
        const title = `at scale ${scale}${withMask ? ', with masks and an offset' : ''}`

        test(`keeps the running maximum, sum and gradient ${title}`, () =>
          on.agree(
            e => {
              const { top, sum, acc, scores } = inBlocks(e, 10, scale, withOffset, withMask)
              return { top, sum, acc, ...scores }
            },
            { floor: { scores0: 1, scores10: 1, scores20: 1, acc: 1 + scale / 20, sum: 1 + scale / 20 } },
          ))

        test.each([1, 5, 10, 23])(`in blocks of %d columns equals the whole pool ${title}`, async size => {
          const js = createJsEngine()
          const whole = setup(js, scale, withOffset, withMask)
          const [scores, lost, gradient] = [js.alloc(B, P), js.alloc(B, 1), js.alloc(B, d)]
          js.gemm(whole.z, whole.pool, scores, { transposeB: true })
          js.softmaxCrossEntropy(scores, whole.options, lost)
          js.gemm(scores, whole.pool, gradient)

          const { z, pool, options, top, sum, acc } = inBlocks(on.engine, size, scale, withOffset, withMask)
          const loss = garbage(on.engine, B, 1)
          on.engine.finishSoftmax(z, pool, options, top, sum, acc, loss)
          const tolerance = 2e-5
          expectClose(await on.engine.read(loss), await js.read(lost), tolerance, 'loss', { floor: 1 })
          const floor = scale / B
          expectClose(await on.engine.read(acc), await js.read(gradient), tolerance, 'gradient', { floor })
        })
      }
    }

    test('leaves the state as it is where every column of a block is masked', async () => {
      const e = on.engine
      const [top, sum, acc] = [e.alloc(2, 1), e.alloc(2, 1), e.alloc(2, 2)]
      e.fill(top, -3e38)
      const scores = e.upload(matrix(2, 2, Float32Array.of(1, 2, 3, 4)))
      e.onlineSoftmax(scores, { masked: sparse([[0, 1], [1]]), scale: 1 }, top, sum, acc)
      expect(await e.read(scores)).toEqual(Float32Array.of(0, 0, 1, 0))
      expect(await e.read(top)).toEqual(Float32Array.of(-3e38, 3))
      expect(await e.read(sum)).toEqual(Float32Array.of(0, 1))
      expect(await e.read(acc)).toEqual(new Float32Array(4))

      e.fill(acc, 2)
      e.fill(scores, 3)
      e.onlineSoftmax(scores, { masked: sparse([[1], [0, 1]]), scale: 1 }, top, sum, acc)
      expect(await e.read(scores)).toEqual(Float32Array.of(1, 0, 0, 0))
      expect(await e.read(top)).toEqual(Float32Array.of(3, 3))
      expect(await e.read(sum)).toEqual(Float32Array.of(1, 1))
      expect(await e.read(acc)).toEqual(Float32Array.of(0, 0, 2, 2))
    })

    test('holds a wide block', () =>
      on.agree(
        e => {
          const [top, sum, acc] = [e.alloc(3, 1), e.alloc(3, 1), e.alloc(3, 5)]
          e.fill(top, -3e38)
          const scores = e.upload(randomMatrix(3, 1500, 8))
          e.onlineSoftmax(scores, { scale: 2 }, top, sum, acc)
          return { scores, top, sum }
        },
        { floor: { scores: 1 } },
      ))
  })
}

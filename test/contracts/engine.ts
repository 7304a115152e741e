import { afterAll, beforeAll, describe } from 'vitest'
import type { Engine } from '../../src/engines/engine.js'
import { createJsEngine } from '../../src/engines/js.js'
import { adamwContract } from './engine/adamw.js'
import { matrixContract } from './engine/matrix.js'
import { memoryContract } from './engine/memory.js'
import { rowsContract } from './engine/rows.js'
import { softmaxContract } from './engine/softmax.js'
import { type EngineUnderTest, expectClose } from './engine/support.js'
import { trainingContract } from './engine/training.js'

/**
 * The tests that every engine passes: each operation agrees with the js engine, operations take effect in order, and a
 * training run gives the same weights.
 *
 * @param options.tolerance largest difference, relative to the largest value of a tensor; 1e-5 by default
 */
export function engineContract(name: string, create: () => Promise<Engine>, options: { tolerance?: number } = {}) {
  const tolerance = options.tolerance ?? 1e-5

  describe(`${name} engine`, () => {
    let engine: Engine
    beforeAll(async () => {
      engine = await create()
    })
    afterAll(() => engine?.dispose())

    const underTest: EngineUnderTest = {
      get engine() {
        return engine
      },
      async agree(program, { floor = {}, byRow = false } = {}) {
        const js = createJsEngine()
        const expected = program(js)
        const actual = program(engine)
        for (const [label, tensor] of Object.entries(expected)) {
          const got = await engine.read(actual[label])
          const cols = byRow ? tensor.cols : undefined
          expectClose(got, await js.read(tensor), tolerance, label, { cols, floor: floor[label] })
        }
        for (const tensor of Object.values(actual)) engine.free(tensor)
      },
    }

    memoryContract(underTest)
    matrixContract(underTest)
    rowsContract(underTest)
    softmaxContract(underTest)
    adamwContract(underTest)
    trainingContract(underTest, create)
  })
}

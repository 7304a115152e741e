import { expect, test } from 'vitest'
import { createCountingEngine } from '../../src/engines/counting.js'
import { engineContract } from '../contracts/engine.js'

engineContract('counting', async () => createCountingEngine())

test('a product of [2, 3] and [3, 5] takes 30 multiplications', () => {
  const engine = createCountingEngine()
  engine.gemm(engine.alloc(2, 3), engine.alloc(3, 5), engine.alloc(2, 5))
  expect(engine.description).toContain(' 30 multiplications')
})

import { describe, expect, it } from 'vitest'
import { planBatches } from '../../src/embed/plan-embedding.js'
import { createRandom } from '../../src/math/random.js'

describe('planBatches', () => {
  it('puts the longest texts first and keeps the order of equally long ones', () => {
    expect(planBatches([1, 3, 2, 3, 1], { maxInputs: 2 })).toEqual([[1, 3], [2, 0], [4]])
  })

  it('fills a request up to the limit of tokens and not one further', () => {
    expect(planBatches([4, 6, 5, 5, 1], { maxInputs: 10, maxRequestTokens: 10 })).toEqual([[1], [2, 3], [0, 4]])
  })

  it('gives a text above the limit of a request a request of its own', () => {
    expect(planBatches([1, 50, 1], { maxInputs: 10, maxRequestTokens: 10 })).toEqual([[1], [0, 2]])
  })

  it('makes no request for no text', () => {
    expect(planBatches([], { maxInputs: 2 })).toEqual([])
  })

  it('holds every text once and keeps both limits, whatever the lengths', () => {
    const random = createRandom(1)
    const tokens = Array.from({ length: 500 }, () => 1 + random.int(90))
    const batches = planBatches(tokens, { maxInputs: 7, maxRequestTokens: 100 })
    expect(batches.flat().sort((a, b) => a - b)).toEqual(tokens.map((_, i) => i))
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(7)
      expect(batch.reduce((sum, i) => sum + tokens[i], 0)).toBeLessThanOrEqual(100)
    }
  })
})

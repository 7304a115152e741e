import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/math/random.js'
import { gate } from '../../src/train/gate.js'

const metric = 'ndcg@10'
const seed = 1

/** Base scores around 0.5 and the same with a gain of about `gain` with a spread of 0.2. */
function scores(gain: number, n = 100, from = 7) {
  const random = createRandom(from)
  const base = Float64Array.from({ length: n }, () => 0.5 + 0.1 * random.normal())
  return { base, adapted: base.map(value => value + gain + 0.2 * random.normal()) }
}

const SAVED = '; the adapter is rejected (--no-gate saves it)'

describe('gate', () => {
  test('passes an out-of-fold gain that is more than noise', () => {
    expect(gate(scores(0.2), undefined, { metric, seed })).toEqual({
      kept: true,
      passed: true,
      reason: expect.stringMatching(/^out-of-fold ndcg@10 \+0\.\d{4} \(p < 0\.001\), significant$/),
      p: 0,
      gain: expect.closeTo(0.2, 1),
    })
  })

  test.each([
    ['noise', scores(0.001)],
    ['a loss', scores(-0.2)],
    ['no change at all', { base: Float64Array.of(0.3, 0.4), adapted: Float64Array.of(0.3, 0.4) }],
    ['nothing measured', { base: new Float64Array(), adapted: new Float64Array() }],
  ])('holds back %s', (_, outOfFold) => {
    const result = gate(outOfFold, undefined, { metric, seed })
    expect(result).toMatchObject({ kept: false, passed: false })
    expect(result.p).toBeGreaterThanOrEqual(0.05)
    expect(result.reason).toMatch(/^out-of-fold ndcg@10 [+-]\d\.\d{4} \(p = \d\.\d{3}\), not significant/)
    expect(result.reason.endsWith(SAVED)).toBe(true)
  })

  test('allows for the choice: what one candidate alone would prove, the best of many does not', () => {
    const chosen = scores(0.045)
    const others = Array.from({ length: 9 }, (_, i) => {
      const random = createRandom(100 + i)
      return chosen.base.map(value => value + 0.2 * random.normal())
    })
    const alone = gate(chosen, undefined, { metric, seed })
    const best = gate({ ...chosen, others }, undefined, { metric, seed })
    expect(alone).toMatchObject({ passed: true, gain: best.gain })
    expect(best).toMatchObject({ passed: false, kept: false })
  })

  test('says what these labels could have proven, and how many more would do', () => {
    // A spread of 0.2 in 100 differences: 1.645 standard errors are 0.033.
    const refused = gate(scores(0.02), undefined, { metric, seed })
    expect(refused.provable).toBeCloseTo(0.033, 2)
    expect(gate(scores(0.02 + refused.provable! - refused.gain + 0.003), undefined, { metric, seed }).passed).toBe(true)
    expect(gate(scores(0.02 + refused.provable! - refused.gain - 0.003), undefined, { metric, seed }).passed).toBe(false)
    expect(refused.moreLabels).toBeGreaterThan(0)
    expect(refused.reason).toMatch(
      /, not significant \(100 queries prove gains from \+0\.0\d{3}; about \d+ more labels would prove a gain like this one in 4 of 5 cases\); the adapter/,
    )
    const runs = Array.from({ length: 40 }, (_, i) => {
      return gate(scores(refused.gain, 100 + refused.moreLabels!, 50 + i), undefined, { metric, seed }).passed
    })
    expect(runs.filter(passed => passed).length / runs.length).toBeGreaterThan(0.7)
    expect(runs.filter(passed => passed).length / runs.length).toBeLessThan(0.92)
    // Of a loss, and of what is significant, there is nothing to say.
    expect(gate(scores(-0.02), undefined, { metric, seed }).moreLabels).toBeUndefined()
    expect(gate(scores(0.2), undefined, { metric, seed })).not.toHaveProperty('provable')
  })

  test('holds back a gain that is proven but less than asked for', () => {
    const { gain } = gate(scores(0.2), undefined, { metric, seed })
    expect(gate(scores(0.2), undefined, { metric, seed, minGain: gain })).toMatchObject({ kept: true })
    const result = gate(scores(0.2), undefined, { metric, seed, minGain: gain + 0.01 })
    expect(result).toMatchObject({ kept: false, passed: false, p: 0 })
    expect(result.reason).toContain(`below the minimum of ${gain + 0.01} (--min-gain)${SAVED}`)
  })

  test('a validation set may veto, by a loss that is more than noise', () => {
    const result = gate(scores(0.2), scores(-0.2, 50, 8), { metric, seed })
    expect(result).toMatchObject({ kept: false, passed: false, p: 0 })
    expect(result.reason).toMatch(/^validation split: ndcg@10 -0\.\d{4}, a significant loss/)
    // A loss within noise, and a gain however large, change nothing.
    expect(gate(scores(0.2), scores(-0.001, 50, 8), { metric, seed }).passed).toBe(true)
    expect(gate(scores(0.2), scores(0.5, 50, 8), { metric, seed })).toEqual(gate(scores(0.2), undefined, { metric, seed }))
    expect(gate(scores(0), scores(0.5, 50, 8), { metric, seed }).passed).toBe(false)
  })

  test('switched off it keeps what fails, marked, and says nothing of what passes', () => {
    const failed = gate(scores(0), undefined, { metric, seed, enabled: false })
    expect(failed).toMatchObject({ kept: true, passed: false })
    expect(failed.reason).toMatch(/not significant \(100 queries prove gains from \+0\.03\d\d\); kept because the gate is off$/)
    expect(gate(scores(0.2), undefined, { metric, seed, enabled: false })).toMatchObject({ kept: true, passed: true })
  })

  test('three queries that all gain prove nothing', () => {
    const three = { base: Float64Array.of(0, 0, 0), adapted: Float64Array.of(1, 1, 1) }
    expect(gate(three, undefined, { metric, seed })).toMatchObject({ passed: false, p: 1 / 8 })
  })
})

import { describe, expect, test } from 'vitest'
import { linearSchedule } from '../../src/train/schedule.js'

const schedule = (total: number, peak: number, warmup: number) =>
  Array.from({ length: total }, (_, i) => linearSchedule(i + 1, total, peak, warmup))

describe('linearSchedule', () => {
  test('rises to the peak over the warm-up, then falls so that the step after the last would have 0', () => {
    const expected = [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]
    schedule(10, 1, 0.2).forEach((lr, i) => {
      expect(lr, `step ${i + 1}`).toBeCloseTo(expected[i], 12)
    })
  })

  test('starts at the peak without a warm-up, and with one shorter than a step', () => {
    expect(schedule(4, 8, 0)).toEqual([8, 6, 4, 2])
    expect(schedule(4, 8, 0.2)).toEqual([8, 6, 4, 2])
    expect(schedule(1, 8, 0.1)).toEqual([8])
  })

  test('only rises when the warm-up takes all steps', () => {
    expect(schedule(4, 8, 1)).toEqual([2, 4, 6, 8])
  })
})

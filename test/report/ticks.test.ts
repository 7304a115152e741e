import { expect, test } from 'vitest'
import { createCharts } from '../../src/report/charts.js'
import { drawIntervals } from '../../src/report/intervals.js'

test.each([1, 0.1, 0.012, 0.0031, 0.0004])('no tick of an axis repeats, for differences about ±%d', async most => {
  const chart = await createCharts()
  for (const part of [0.3, 0.7, 1]) {
    const rows = [{ label: 'a', mean: 0, low: -most * part, high: most, color: 'red' }]
    for (const svg of chart({ caption: 'x', draw: drawIntervals(rows) })
      .split('<svg')
      .slice(1)) {
      const ticks = [...svg.matchAll(/>([+−]\d[\d.]*)</g)].map(([, text]) => text)
      expect(ticks.length).toBeGreaterThan(2)
      expect(new Set(ticks).size).toBe(ticks.length)
    }
  }
})

import type { PlotOptions } from '@observablehq/plot'
import { fitted, score } from './format.js'
import { COLORS, type Figure, type Plot } from './page.js'

/** A mean and its interval, drawn as a point on a line. */
export interface IntervalRow {
  readonly label: string
  readonly mean: number
  readonly low: number
  readonly high: number
  readonly color: string
  /** Draws a ring in place of the point: the mean is not significant. */
  readonly isOpen?: boolean
}

/**
 * Draws intervals, one per row from the top down.
 * @param means true for means, which are written beside their lines; false for differences, drawn around a line of zero
 */
export function drawIntervals(rows: readonly IntervalRow[], means = false): Figure['draw'] {
  const lines = rows.map((row, key) => ({ ...row, key, fill: row.isOpen ? 'var(--surface)' : row.color }))
  const domain = lines.map(({ key }) => key)
  const as = (value: 'color' | 'fill') => ({ value, scale: null })
  const longest = 16 + 7 * Math.max(...rows.map(({ label }) => label.length))
  const chart = (plot: Plot, width: number, isBeside: boolean): PlotOptions => ({
    height: 44 + rows.length * (isBeside ? 30 : 40),
    marginLeft: isBeside ? longest : 20,
    insetLeft: isBeside ? 0 : 8,
    marginRight: means ? 48 : 20,
    x: { grid: true, label: null, nice: true, ...ticksOf(rows, width < 500 ? 4 : 8, means) },
    y: isBeside
      ? { type: 'point', domain, label: null, tickSize: 0, tickFormat: (key: number) => rows[key].label }
      : { type: 'point', domain, axis: null, padding: 0.5 },
    marks: [
      means ? null : plot.ruleX([0], { strokeWidth: 1.5 }),
      plot.ruleY(lines, {
        x1: 'low',
        x2: 'high',
        y: 'key',
        stroke: as('color'),
        strokeWidth: 3,
        strokeLinecap: 'round' as const,
      }),
      plot.dot(lines, { x: 'mean', y: 'key', stroke: as('color'), strokeWidth: 2, fill: as('fill'), r: 5 }),
      means ? plot.text(lines, { x: 'high', y: 'key', dx: 7, textAnchor: 'start', text: ({ mean }) => score(mean) }) : null,
      isBeside
        ? null
        : plot.text(lines, {
            y: 'key',
            dx: 4,
            dy: -15,
            frameAnchor: 'left' as const,
            textAnchor: 'start' as const,
            ...OUTLINED,
            text: ({ label }: IntervalRow) => fitted(label, width - 40),
          }),
    ],
  })
  // Beside their lines if they leave room for these, else above.
  return (plot, width) => chart(plot, width, longest <= width / 3)
}

/** Ticks; those of differences have a sign, and as many digits as tell them apart: their step is at least span / ticks / √2. */
function ticksOf(rows: readonly IntervalRow[], ticks: number, means: boolean) {
  if (means) return { ticks }
  const span = Math.max(0, ...rows.map(({ high }) => high)) - Math.min(0, ...rows.map(({ low }) => low))
  const digits = Math.max(2, Math.ceil(-Math.log10((span || 1) / ticks / Math.SQRT2)))
  return { ticks, tickFormat: (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}` }
}

/** Style of a label that stays legible over lines. */
export const OUTLINED = { stroke: 'var(--surface)', strokeWidth: 4, fill: 'currentColor' } as const

/** Colour of a difference: better, worse, or the same if its interval includes 0. */
export function differenceColor({ low, high }: { readonly low: number; readonly high: number }): string {
  return low > 0 ? COLORS.better : high < 0 ? COLORS.worse : COLORS.same
}

import type { Figure } from './section.js'

/** Pixels of a chart on a screen or paper, and on a telephone. */
const WIDTHS = { wide: 720, narrow: 340 } as const

/**
 * Loads what draws, which takes a moment.
 * @returns a function that draws a figure as SVG in both widths, of which the style sheet shows one
 */
export async function createCharts(): Promise<(figure: Figure) => string> {
  const [plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')])
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const draw = (figure: Figure, size: keyof typeof WIDTHS): string => {
    const width = WIDTHS[size]
    const svg = plot.plot({
      width,
      style: { fontSize: size === 'wide' ? '12px' : '11px' },
      ...figure.draw(plot, width),
      document,
    })
    // What the style element says stands once in the style sheet of the page.
    svg.querySelector('style')?.remove()
    svg.setAttribute('class', `chart ${size}`)
    svg.setAttribute('role', 'img')
    svg.setAttribute('aria-label', figure.caption)
    // The parts of an image have no names of their own.
    for (const part of svg.querySelectorAll('g')) part.removeAttribute('aria-label')
    for (const element of svg.querySelectorAll('*')) roundPlaces(element)
    return svg.outerHTML
  }
  return figure => draw(figure, 'wide') + draw(figure, 'narrow')
}

const PLACES = ['d', 'transform', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'r', 'width', 'height']

/** Digits beyond a hundredth of a pixel only take room. */
function roundPlaces(element: {
  getAttribute(name: string): string | null
  setAttribute(name: string, value: string): void
}) {
  for (const name of PLACES) {
    const value = element.getAttribute(name)
    if (value === null || !value.includes('.')) continue
    element.setAttribute(
      name,
      value.replace(/\d+\.\d{3,}/g, number => String(Number(Number(number).toFixed(2)))),
    )
  }
}

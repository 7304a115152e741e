import type { Figure } from './page.js'

/** Widths of a chart in pixels: on a screen or paper, and on a telephone. */
const WIDTHS = { wide: 720, narrow: 340 } as const

/** Loads the drawing library, which takes a moment. */
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
    // The page's style sheet has these rules once.
    svg.querySelector('style')?.remove()
    svg.setAttribute('class', `chart ${size}`)
    svg.setAttribute('role', 'img')
    svg.setAttribute('aria-label', figure.caption)
    // The parts of an image have no names of their own.
    for (const part of svg.querySelectorAll('g')) part.removeAttribute('aria-label')
    // To a hundredth of a pixel.
    for (const element of svg.querySelectorAll('*')) {
      for (const name of PLACES) {
        const value = element.getAttribute(name)
        if (value?.includes('.')) element.setAttribute(name, value.replace(/\d+\.\d{3,}/g, rounded))
      }
    }
    return svg.outerHTML
  }
  return figure => draw(figure, 'wide') + draw(figure, 'narrow')
}

const PLACES = ['d', 'transform', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'r', 'width', 'height']

const rounded = (number: string): string => String(Number(Number(number).toFixed(2)))

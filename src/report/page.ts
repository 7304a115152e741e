import type { PlotOptions } from '@observablehq/plot'
import type { DetailedChange } from '../pipeline/proof.js'
import type { Report } from './report.js'

/** A report of any subject; a format renders nothing else. */
export interface Page extends Pick<Report, 'warnings' | 'reproduce'> {
  readonly title: string
  readonly verdict: Verdict
  /** What was measured, each without a full stop. */
  readonly about: readonly string[]
  readonly tiles: readonly Tile[]
  readonly sections: readonly Section[]
}

export type Verdict = { readonly tone: 'good' | 'bad' | 'neutral'; readonly text: string }

export type Tile = { readonly label: string; readonly value: string; readonly note?: string }

export type Section = { readonly id: string; readonly title: string; readonly blocks: readonly Block[] }

/** Makes a section of a report, or nothing if the report has no facts for it. */
export type SectionMaker<T = Report> = (report: T) => Section | undefined

/** A piece of a section, a string being a paragraph; each format renders each kind in its own way. */
export type Block = string | { readonly code: string } | Table | Figure | Changes

export function section(id: string, title: string, ...blocks: readonly (Block | undefined | false)[]): Section {
  return { id, title, blocks: blocks.filter(block => block !== undefined && block !== false) }
}

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Title for readers who do not see what is around it. */
  readonly caption: string
  /** Columns of words, at the left; the others are numbers. Default 1. */
  readonly words?: number
}

export interface Figure {
  /** One sentence: what is drawn and what to look for. */
  readonly caption: string
  /** Colours and their meaning. */
  readonly legend?: readonly { readonly label: string; readonly color: string }[]
  /** The same figures in numbers; absent if the table of the next figure has them. */
  readonly table?: Table
  /** @param width in pixels: a wide one for screens and paper, a narrow one for telephones */
  draw(plot: Plot, width: number): PlotOptions
}

/** The library that draws, passed to sections because it is loaded late. */
export type Plot = typeof import('@observablehq/plot')

/** Colours of the style sheet, distinguishable for colour-blind readers too. */
export const COLORS = {
  base: 'var(--base)',
  adapted: 'var(--adapted)',
  better: 'var(--better)',
  worse: 'var(--worse)',
  same: 'var(--same)',
  tied: 'var(--tied)',
} as const

/** Queries that changed, with the documents they find. */
export interface Changes extends Pick<Report, 'documentText'> {
  readonly items: readonly DetailedChange[]
  /** Documents searched for a rank. */
  readonly depth: number
}

export const kindOf = ({ base, adapted }: DetailedChange) => (adapted > base ? 'better' : 'worse')
